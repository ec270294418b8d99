package help

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// documented are a command and all below it, in their order.
func documented(cmd *cobra.Command) []*cobra.Command {
	all := []*cobra.Command{cmd}
	for _, sub := range cmd.Commands() {
		if (sub.IsAvailableCommand() || sub.IsAdditionalHelpTopicCommand()) && sub.Name() != "completion" {
			all = append(all, documented(sub)...)
		}
	}
	return all
}

// isNet tells whether a command is another one on a NET, whose flags are some of that
// one's.
func isNet(cmd *cobra.Command) bool {
	return cmd.HasParent() && strings.HasSuffix(cmd.Parent().Use, " NET")
}

// ofNet are the flags that a NET takes, with what there is without them.
func ofNet(cmd *cobra.Command) string {
	var flags []string
	cmd.LocalFlags().VisitAll(func(flag *pflag.Flag) {
		if flag.Name != "help" && !flag.Hidden {
			flags = append(flags, "--"+flag.Name+defaultOf(flag))
		}
	})
	return strings.ReplaceAll(strings.Join(flags, ", "), "(default ", "(")
}

// Markdown is a reference of a command and all below it.
func Markdown(root *cobra.Command) []byte {
	b := new(bytes.Buffer)
	fmt.Fprintf(b, "# The commands of largestep\n\n*Made by `go generate ./cmd/largestep` of what `--help` says.*\n")
	block := func(text string) { fmt.Fprintf(b, "\n```text\n%s\n```\n", strings.TrimRight(text, "\n")) }
	for _, cmd := range documented(root) {
		switch {
		case cmd == root:
			block(of(cmd))
		case isNet(cmd):
			fmt.Fprintf(b, "\n### %s\n\n%s.\n\nTakes %s.\n", cmd.CommandPath(), cmd.Short, ofNet(cmd))
		case cmd.IsAdditionalHelpTopicCommand():
			fmt.Fprintf(b, "\n## largestep help %s\n", cmd.Name())
			block(of(cmd))
		default:
			fmt.Fprintf(b, "\n## %s\n\n%s.\n", cmd.CommandPath(), cmd.Short)
			block(of(cmd))
		}
	}
	return b.Bytes()
}

// Man is the same as a man page.
func Man(root *cobra.Command) []byte {
	b := new(bytes.Buffer)
	fmt.Fprintf(b, ".\\\" Made by go generate ./cmd/largestep of what --help says.\n.TH LARGESTEP 1 \"\" largestep \"User Commands\"\n")
	fmt.Fprintf(b, ".SH NAME\nlargestep \\- %s\n", roff(root.Short))
	fmt.Fprintf(b, ".SH SYNOPSIS\n.B largestep\n.I command\n[flags]\n")
	for _, cmd := range documented(root) {
		switch {
		case cmd == root:
			fmt.Fprintf(b, ".SH DESCRIPTION\n")
		case cmd.IsAdditionalHelpTopicCommand():
			fmt.Fprintf(b, ".SH HELP %s\n", strings.ToUpper(cmd.Name()))
		default:
			fmt.Fprintf(b, ".SH %s\n", roff(strings.ToUpper(cmd.CommandPath())))
		}
		if isNet(cmd) {
			fmt.Fprintf(b, "%s.\n.PP\nTakes %s.\n", roff(cmd.Short), roff(ofNet(cmd)))
			continue
		}
		manText(b, aboutOf(cmd))
		if cmd.Runnable() && cmd != root {
			fmt.Fprintf(b, ".PP\n.B %s\n", roff(cmd.UseLine()))
		}
		if cmd.Example != "" {
			fmt.Fprintf(b, ".SS Examples\n")
			manText(b, exampleOf(cmd))
		}
		if cmd.HasAvailableFlags() {
			fmt.Fprintf(b, ".SS Flags\n")
			names, texts := flagEntries(cmd.LocalFlags())
			for i, name := range names {
				fmt.Fprintf(b, ".TP\n.B %s\n", roff(strings.TrimSpace(name)))
				manText(b, texts[i])
			}
		}
	}
	return b.Bytes()
}

// manText fills paragraphs, and leaves lines as they are that are indented.
func manText(b *bytes.Buffer, text string) {
	asIs := false
	for line := range strings.SplitSeq(strings.TrimRight(text, "\n"), "\n") {
		indented := strings.HasPrefix(line, " ")
		switch {
		case indented && !asIs:
			b.WriteString(".nf\n")
		case !indented && asIs && line != "":
			b.WriteString(".fi\n")
		}
		if line != "" || !asIs {
			asIs = indented
		}
		if line == "" && !asIs {
			line = ".PP\n"
		} else {
			line = roff(line) + "\n"
		}
		b.WriteString(line)
	}
	if asIs {
		b.WriteString(".fi\n")
	}
}

// roff escapes text: backslashes, hyphens, and what begins a line.
func roff(text string) string {
	text = strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(text)
	var lines []string
	for line := range strings.SplitSeq(text, "\n") {
		if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
			line = `\&` + line
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}
