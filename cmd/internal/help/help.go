// Package help makes the help of commands: what --help prints, within the width of a
// terminal, a man page, a reference in Markdown, and topics beside the commands.
package help

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// width is that of a line of help.
const width = 80

// Set makes the help of a command, and of all below it, fit the width.
func Set(root *cobra.Command) {
	root.SetHelpFunc(func(cmd *cobra.Command, _ []string) { fmt.Fprint(cmd.OutOrStdout(), of(cmd)) })
	root.SetUsageFunc(func(cmd *cobra.Command) error {
		_, err := fmt.Fprint(cmd.OutOrStderr(), usageOf(cmd))
		return err
	})
}

// of is what --help prints.
func of(cmd *cobra.Command) string {
	about := fold(filled(aboutOf(cmd)), "", "    ")
	if cmd.IsAdditionalHelpTopicCommand() {
		return about + "\n"
	}
	return about + "\n\n" + usageOf(cmd)
}

// aboutOf is a command's description.
func aboutOf(cmd *cobra.Command) string {
	if cmd.Long == "" {
		return cmd.Short
	}
	return strings.Trim(strings.ReplaceAll(cmd.Long, "\t", "    "), "\n")
}

func usageOf(cmd *cobra.Command) string {
	b := new(strings.Builder)
	section := func(title, text string) {
		if text != "" {
			fmt.Fprintf(b, "%s:\n%s\n", title, text)
		}
	}
	section("Usage", "  "+strings.Join(usageLines(cmd), "\n  ")+"\n")
	section("Examples", exampleOf(cmd))
	section("Available Commands", subcommands(cmd, func(sub *cobra.Command) bool { return sub.IsAvailableCommand() || sub.Name() == "help" }))
	section("Flags", flagUsages(cmd.LocalFlags()))
	section("Further help", subcommands(cmd, (*cobra.Command).IsAdditionalHelpTopicCommand))
	if cmd.HasAvailableSubCommands() {
		fmt.Fprintf(b, "\"%s [command] --help\" says more of a command.\n", cmd.CommandPath())
	}
	return strings.TrimRight(b.String(), "\n") + "\n"
}

func usageLines(cmd *cobra.Command) (lines []string) {
	if cmd.Runnable() {
		lines = append(lines, cmd.UseLine())
	}
	if cmd.HasAvailableSubCommands() {
		lines = append(lines, cmd.CommandPath()+" [command]")
	}
	return lines
}

// subcommands has a line, or more, for each subcommand of a kind.
func subcommands(cmd *cobra.Command, kind func(*cobra.Command) bool) string {
	var names, texts []string
	for _, sub := range cmd.Commands() {
		if kind(sub) {
			names, texts = append(names, "  "+sub.Name()), append(texts, sub.Short)
		}
	}
	return columnsOf(names, texts)
}

// textColumn is where the text on a flag begins, in the help of all commands.
const textColumn = 26

// flagUsages describes flags: their names, what they want, what they do, and what
// there is without them.
func flagUsages(f *pflag.FlagSet) string { return columnsOf(flagEntries(f)) }

func flagEntries(f *pflag.FlagSet) (names, texts []string) {
	f.VisitAll(func(flag *pflag.Flag) {
		if flag.Hidden {
			return
		}
		what, text := pflag.UnquoteUsage(flag)
		name := "    --" + flag.Name
		if flag.Shorthand != "" {
			name = "-" + flag.Shorthand + ", --" + flag.Name
		}
		names, texts = append(names, strings.TrimRight("  "+name+" "+what, " ")), append(texts, text+defaultOf(flag))
	})
	return names, texts
}

// defaultOf tells what a flag is without being given, if that is not nothing.
func defaultOf(flag *pflag.Flag) string {
	switch value := flag.DefValue; {
	case value == "", value == "0", value == "0s", value == "false", value == "[]":
		return ""
	case flag.Value.Type() == "string":
		return fmt.Sprintf(" (default %q)", value)
	default:
		return fmt.Sprintf(" (default %s)", value)
	}
}

// columnsOf sets names beside texts, and those that are too long above them.
func columnsOf(names, texts []string) string {
	at := 0
	for _, name := range names {
		if n := utf8.RuneCountInString(name) + 3; n <= textColumn {
			at = max(at, n)
		}
	}
	b := new(strings.Builder)
	for i, name := range names {
		indent := strings.Repeat(" ", at)
		text := fold(texts[i], indent, "  ")
		if n := utf8.RuneCountInString(name); n+2 <= at {
			text = name + text[n:]
		} else {
			text = name + "\n" + text
		}
		b.WriteString(text + "\n")
	}
	return b.String()
}

// exampleOf are a command's examples. Where one is too long with its comment beside
// it, comments stand above.
func exampleOf(cmd *cobra.Command) string {
	if cmd.Example == "" {
		return ""
	}
	lines := strings.Split(strings.Trim(cmd.Example, "\n"), "\n")
	fits := true
	for _, line := range lines {
		fits = fits && utf8.RuneCountInString(line) <= width
	}
	b := new(strings.Builder)
	for _, line := range lines {
		if fits {
			b.WriteString(line + "\n")
			continue
		}
		command, comment, _ := strings.Cut(strings.TrimSpace(line), "   ")
		if comment != "" {
			b.WriteString(fold("# "+strings.TrimSpace(comment), "  ", "# ") + "\n")
		}
		b.WriteString(strings.ReplaceAll(wrapWords(command, "  ", "      ", width-2), "\n", " \\\n") + "\n")
	}
	return b.String()
}

// filled joins the lines of paragraphs; those that are indented stand for themselves.
func filled(text string) string {
	var lines []string
	joins := false
	for line := range strings.SplitSeq(text, "\n") {
		prose := line != "" && !strings.HasPrefix(line, " ")
		if joins && prose {
			lines[len(lines)-1] += " " + line
		} else {
			lines = append(lines, line)
		}
		joins = prose
	}
	return strings.Join(lines, "\n")
}

// fold breaks lines that are too long, and indents all; what it breaks off lines that
// are indented themselves hangs behind them.
func fold(text, indent, hang string) string {
	var lines []string
	for line := range strings.SplitSeq(text, "\n") {
		if line == "" {
			lines = append(lines, "")
			continue
		}
		own := line[:len(line)-len(strings.TrimLeft(line, " "))]
		rest := own
		if own != "" {
			rest += hang
		}
		lines = append(lines, wrapWords(strings.TrimLeft(line, " "), indent+own, indent+rest, width))
	}
	return strings.Join(lines, "\n")
}

// wrapWords breaks a line between words, of which it keeps the spaces, to lines that
// begin with the indents.
func wrapWords(line, first, rest string, width int) string {
	b := new(strings.Builder)
	at := utf8.RuneCountInString(first)
	b.WriteString(first)
	begun := false
	for len(line) > 0 {
		word := line
		if i := strings.Index(strings.TrimLeft(line, " "), " "); i >= 0 {
			word = line[:len(line)-len(strings.TrimLeft(line, " "))+i]
		}
		line = line[len(word):]
		n := utf8.RuneCountInString(word)
		if begun && at+n > width {
			word = strings.TrimLeft(word, " ")
			n = utf8.RuneCountInString(word)
			b.WriteString("\n" + rest)
			at = utf8.RuneCountInString(rest)
		}
		b.WriteString(word)
		at += n
		begun = true
	}
	return b.String()
}
