package data

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
)

// sourceFile tells where the images of a folder came from, if they are not the
// official ones.
const sourceFile = "source.json"

// A source is the content of a source.json.
type source struct {
	Name    string `json:"name"`              // what figures call the set
	From    string `json:"from"`              // base name of the folder or archive
	Train   int    `json:"train"`             // number of training records
	Test    int    `json:"test"`              // number of test records
	Side    int    `json:"side,omitempty"`    // of the images; 32 where nothing is said
	Classes int    `json:"classes,omitempty"` // at most 256 where nothing is said
	Layout  string `json:"layout,omitempty"`  // the name of the set whose layout it is; "" for that of imports
	archiveSums
}

// archiveSums are the checksums of the archive that was fetched, in hexadecimal;
// an import has none.
type archiveSums struct {
	MD5    string `json:"archive_md5,omitempty"`
	SHA256 string `json:"archive_sha256,omitempty"`
}

// readSource reads source.json; it returns nil where there is none.
func readSource(dir string) (*source, error) {
	path := filepath.Join(dir, sourceFile)
	text, err := readSmall(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	var src source
	if err := json.Unmarshal(text, &src); err != nil {
		return nil, fmt.Errorf("%s: %w: fetch or import it again", path, err)
	}
	if err := src.check(); err != nil {
		return nil, fmt.Errorf("%s: %w: fetch or import it again", path, err)
	}
	return &src, nil
}

func (s *source) check() error {
	if err := checkName(s.Name); err != nil {
		return err
	}
	for _, n := range []int{s.Train, s.Test} {
		if n < 1 || n > maxRecords {
			return fmt.Errorf("%d training and %d test images, want 1 to %d of each", s.Train, s.Test, maxRecords)
		}
	}
	if s.Side < 0 || s.Side > MaxSide {
		return fmt.Errorf("images of %d×%[1]d pixels, want at most %d×%[2]d", s.Side, MaxSide)
	}
	if s.Classes < 0 || s.Classes > maxClasses {
		return fmt.Errorf("%d classes, want at most %d", s.Classes, maxClasses)
	}
	if s.Layout != "" && SetNamed(s.Layout).Archive == (Archive{}) {
		return fmt.Errorf("layout of %q, which is not known here", s.Layout)
	}
	return nil
}

// layout is that of the files beside it.
func (s *source) layout() layout {
	if s.Layout != "" {
		return SetNamed(s.Layout).layout
	}
	side := s.Side
	if side == 0 {
		side = 32
	}
	return imported(side, s.Classes)
}
