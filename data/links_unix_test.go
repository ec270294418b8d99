//go:build unix

package data

import (
	"os"
	"path/filepath"
	"testing"
)

// The folder that a link leads to is made, or filled, and the link stays.
func TestLinksStay(t *testing.T) {
	archive := filepath.Join(t.TempDir(), "set.tar.gz")
	content := setArchive(t).gz()
	writeFile(t, archive, content)
	makers := map[string]func(dir string) error{
		"fetch": func(dir string) error {
			return Fetch(t.Context(), cifar10, FetchOptions{From: archive, Dir: dir, SHA256: sha(content)})
		},
		"import": func(dir string) error {
			return importTo(t.Context(), writeArchive(t, smallest(t).gz()), ImportOptions{Dir: dir})
		},
	}
	for name, there := range map[string]bool{"real": true, "not there": false} {
		for command, into := range makers {
			t.Run(command+" "+name, func(t *testing.T) {
				dir, big := t.TempDir(), t.TempDir()
				real, link := filepath.Join(big, "real"), filepath.Join(dir, "link")
				if there {
					if err := os.Mkdir(real, 0o755); err != nil {
						t.Fatal(err)
					}
				}
				if err := os.Symlink(real, link); err != nil {
					t.Fatal(err)
				}
				if err := into(link); err != nil {
					t.Fatal(err)
				}
				if got, err := os.Readlink(link); err != nil || got != real {
					t.Errorf("the link is %q: %v", got, err)
				}
				wantOnly(t, dir, "link")
				wantOnly(t, big, "real")
				if _, err := Load(real); err != nil {
					t.Error(err)
				}
			})
		}
	}
}
