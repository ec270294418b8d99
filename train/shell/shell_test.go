package shell

import (
	"os/exec"
	"testing"
)

// A shell reads what was written.
func TestLine(t *testing.T) {
	if got := Line("a-b_1.c", "", "x y", "it's", "$(e)"); got != `a-b_1.c '' 'x y' 'it'\''s' '$(e)'` {
		t.Error(got)
	}
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("no shell here")
	}
	for _, word := range []string{"plain", "", "a b", "'", "''x'", "$HOME `ls` \"q\" \\", "*", "a\nb", "η=0.5"} {
		out, err := exec.Command(sh, "-c", "printf %s "+Word(word)).Output()
		if err != nil || string(out) != word {
			t.Errorf("%q became %q: %v", word, out, err)
		}
	}
}
