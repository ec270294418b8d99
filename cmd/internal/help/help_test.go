package help

import (
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

func TestFilledAndFolded(t *testing.T) {
	text := strings.Repeat("word ", 20) + "\nends\n\n  table  " + strings.Repeat("α", 79) + " β\n    deeper"
	want := strings.TrimSpace(strings.Repeat("word ", 16)) + "\nword word word word  ends\n\n" +
		"  table\n      " + strings.Repeat("α", 79) + "\n      β\n    deeper" // a word too long stays whole
	if got := fold(filled(text), "", "    "); got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestExamples(t *testing.T) {
	short := &cobra.Command{Example: "  a --b   one\n  c       two"}
	if got := exampleOf(short); got != "  a --b   one\n  c       two\n" {
		t.Errorf("short: %q", got)
	}
	long := &cobra.Command{Example: "  a --b   one\n  " + strings.Repeat("word ", 16) + "  two"}
	want := "  # one\n  a --b\n  # two\n  " + strings.TrimSpace(strings.Repeat("word ", 15)) + " \\\n      word\n"
	if got := exampleOf(long); got != want {
		t.Errorf("long: %q, want %q", got, want)
	}
}

func TestFlagsAndMan(t *testing.T) {
	cmd := &cobra.Command{Use: "root", Short: "S", Long: "About\nit.\n\n  .as -is", Run: func(*cobra.Command, []string) {}}
	f := cmd.Flags()
	f.Int("n", 3, "how many")
	f.Bool("yes", false, "do it")
	f.StringP("output", "o", "x", "`FILE` to write\n  a  b")
	f.Duration("a-flag-of-a-long-name", 0, "later")
	want := `      --a-flag-of-a-long-name duration
                      later
      --n int         how many (default 3)
  -o, --output FILE   FILE to write
                        a  b (default "x")
      --yes           do it
`
	if got := flagUsages(f); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	man := string(Man(cmd))
	for _, part := range []string{".SH NAME\nlargestep \\- S\n", "About\nit.\n.PP\n.nf\n  .as \\-is\n.fi\n", ".TP\n.B \\-o, \\-\\-output FILE\n", "how many (default 3)\n"} {
		if !strings.Contains(man, part) {
			t.Errorf("the man page lacks %q:\n%s", part, man)
		}
	}
	if got := roff(".a\n'b\n\\c-d"); got != "\\&.a\n\\&'b\n\\ec\\-d" {
		t.Errorf("roff: %q", got)
	}
}
