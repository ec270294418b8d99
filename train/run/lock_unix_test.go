//go:build unix && !solaris && !aix

package run

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The folder that a link leads to is locked, and the link stays, whether the
// folder is used or not.
func TestLockFollowsLinks(t *testing.T) {
	for name, there := range map[string]bool{"real": true, "not there": false} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			real, link := filepath.Join(dir, "deep", "real"), filepath.Join(dir, "link")
			if there {
				if err := os.MkdirAll(real, 0o777); err != nil {
					t.Fatal(err)
				}
			}
			if err := os.Symlink(real, link); err != nil {
				t.Fatal(err)
			}
			for _, use := range []bool{false, true} {
				release, err := Lock(link)
				if err != nil {
					t.Fatal(err)
				}
				if _, err := Lock(real); err == nil || !strings.Contains(err.Error(), "another process is training") {
					t.Errorf("locked twice: %v", err)
				}
				if use {
					if err := os.WriteFile(filepath.Join(link, "config.json"), nil, 0o666); err != nil {
						t.Fatal(err)
					}
				}
				release()
				if got, err := os.Readlink(link); err != nil || got != real {
					t.Fatalf("the link is %q: %v", got, err)
				}
				if _, err := os.Stat(real); (err == nil) != (there || use) {
					t.Errorf("the folder: %v", err)
				}
			}
		})
	}
}

// A folder that was there before stays, even if nothing came of the run.
func TestLockLeavesFoldersOfTheUser(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "mine")
	if err := os.Mkdir(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	release, err := Lock(dir)
	if err != nil {
		t.Fatal(err)
	}
	release()
	if _, err := os.Stat(dir); err != nil {
		t.Error(err)
	}
}
