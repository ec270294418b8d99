package figure

import (
	"strings"

	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
)

// shorten makes labels fit a width. Where cutting their ends would take away what
// tells them apart, it leaves out what they have in common, or their beginnings.
func shorten(style text.Style, labels []string, width vg.Length) []string {
	start, end := common(labels)
	ways := []func(label string) string{
		func(label string) string { return fit(style, label, width) },
		func(label string) string { return fit(style, between(label, start, 0), width) },
		func(label string) string { return fit(style, between(label, start, end), width) },
		func(label string) string { return fitEnd(style, label, width) },
	}
	for _, way := range ways {
		short := make([]string, len(labels))
		for i, label := range labels {
			short[i] = way(label)
		}
		if distinct(short) {
			return short
		}
	}
	short := make([]string, len(labels))
	for i, label := range labels {
		short[i] = ways[0](label)
	}
	return short
}

// common returns how many bytes labels have in common at their start and at their
// end, up to the words in which they differ.
func common(labels []string) (start, end int) {
	const separators = " ,-_/"
	first := labels[0]
	prefix, suffix := first, first
	for _, label := range labels[1:] {
		for !strings.HasPrefix(label, prefix) {
			prefix = prefix[:len(prefix)-1]
		}
		for !strings.HasSuffix(label, suffix) {
			suffix = suffix[1:]
		}
	}
	start = strings.LastIndexAny(prefix, separators) + 1
	if i := strings.IndexAny(suffix, separators); i >= 0 {
		end = len(suffix) - i
	}
	return start, end
}

// between leaves out the first and the last bytes of a label.
func between(label string, start, end int) string {
	if start+end >= len(label) {
		return label
	}
	middle := label[start : len(label)-end]
	if start > 0 {
		middle = "…" + middle
	}
	if end > 0 {
		middle += "…"
	}
	return middle
}

// fitEnd shortens a text to a width by leaving out its beginning.
func fitEnd(style text.Style, txt string, width vg.Length) string {
	if style.Width(txt) <= width {
		return txt
	}
	runes := []rune(txt)
	for n := 1; n < len(runes); n++ {
		if short := "…" + string(runes[n:]); style.Width(short) <= width {
			return short
		}
	}
	return "…"
}
