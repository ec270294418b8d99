package main

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/spf13/cobra"
)

var update = flag.Bool("update", false, "write the golden files of the help anew")

// helps are the arguments that print each help there is, by its command.
func helps() map[string][]string {
	all := map[string][]string{"largestep": {"--help"}}
	var add func(cmd *cobra.Command, args []string)
	add = func(cmd *cobra.Command, args []string) {
		for _, sub := range cmd.Commands() {
			path := append(args[:len(args):len(args)], sub.Name())
			all[sub.CommandPath()] = append(path[:len(path):len(path)], "--help")
			if sub.IsAdditionalHelpTopicCommand() {
				all[sub.CommandPath()] = []string{"help", sub.Name()}
			}
			add(sub, path)
		}
	}
	add(newRoot(), nil)
	return all
}

// The help of every command is what it was: go test -run TestHelpTexts -update writes it
// anew. Its lines fit a terminal.
func TestHelpTexts(t *testing.T) {
	all := helps()
	if *update {
		check(t, os.RemoveAll("testdata/help"))
	}
	for command, args := range all {
		help := succeed(t, args...)
		for line := range strings.SplitSeq(help, "\n") {
			if n := utf8.RuneCountInString(line); n > 80 || strings.HasSuffix(line, " ") {
				t.Errorf("%s: a line of %d characters: %q", command, n, line)
			}
		}
		golden := filepath.Join("testdata", "help", strings.ReplaceAll(command, " ", "-")+".txt")
		if *update {
			writeFile(t, golden, help)
		}
		if want := readFile(t, golden); help != want {
			t.Errorf("%s is not as in %s: go test -run TestHelpTexts -update, if that is meant", command, golden)
		}
	}
	files, err := os.ReadDir("testdata/help")
	check(t, err)
	if len(files) != len(all) {
		t.Errorf("%d golden files of %d commands", len(files), len(all))
	}
}

// What cobra says of completion fits, too.
func TestHelpOfCompletion(t *testing.T) {
	for _, shell := range []string{"", "bash", "zsh", "fish", "powershell"} {
		help := succeed(t, strings.Fields("completion "+shell+" --help")...)
		if !strings.Contains(help, "largestep completion") {
			t.Errorf("completion %s: %s", shell, help)
		}
		for line := range strings.SplitSeq(help, "\n") {
			if utf8.RuneCountInString(line) > 80 {
				t.Errorf("completion %s: %q", shell, line)
			}
		}
	}
}

// Commands that the help shows have the flags that it shows.
func TestExamplesParse(t *testing.T) {
	root := newRoot()
	shown := 0
	for command, args := range helps() {
		help := strings.ReplaceAll(succeed(t, args...), "\\\n", " ")
		for line := range strings.SplitSeq(help, "\n") {
			example, _, _ := strings.Cut(line, " && ")
			words := strings.Fields(example)
			if !strings.HasPrefix(line, "  largestep ") || len(words) < 2 || words[1] == "[command]" {
				continue
			}
			shown++
			cmd, _, err := root.Find(words[1:])
			if err != nil {
				t.Errorf("%s: %s: %v", command, line, err)
				continue
			}
			for _, word := range words {
				name, isFlag := strings.CutPrefix(word, "--")
				name, _, _ = strings.Cut(name, "=")
				if isFlag && name != "help" && cmd.Flags().Lookup(name) == nil {
					t.Errorf("%s: %q: %s has no --%s", command, line, cmd.CommandPath(), name)
				}
			}
		}
	}
	if shown < 100 {
		t.Errorf("%d examples found", shown)
	}
}

// The committed man page and reference are those of the program; go generate makes
// them.
func TestReference(t *testing.T) {
	dir := t.TempDir()
	succeed(t, "reference", dir)
	for _, name := range []string{"largestep.1", "REFERENCE.md"} {
		if readFile(t, filepath.Join(dir, name)) != readFile(t, filepath.Join("doc", name)) {
			t.Errorf("doc/%s is not current: go generate ./cmd/largestep", name)
		}
	}
}
