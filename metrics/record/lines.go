package record

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"largestep/metrics/atomicfile"
)

// byteOrderMark is what some editors begin a text file with.
const byteOrderMark = "\ufeff"

// restoreLines undoes what editors and spreadsheets do to a table that they save:
// a byte order mark at its start, a carriage return before each line break. Its
// bytes are then those that a checkpoint has counted.
func restoreLines(path string) error {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return err
	}
	defer f.Close()
	first, err := bufio.NewReader(f).ReadString('\n')
	if err != nil || !strings.HasPrefix(first, byteOrderMark) && !strings.HasSuffix(first, "\r\n") {
		return nil // for others to judge
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	return atomicfile.Write(path, func(w io.Writer) error { return copyLines(w, f) })
}

func copyLines(w io.Writer, f io.Reader) error {
	r := bufio.NewReader(f)
	if mark, _ := r.Peek(len(byteOrderMark)); string(mark) == byteOrderMark {
		r.Discard(len(mark))
	}
	for {
		line, readErr := r.ReadBytes('\n')
		if rest, ok := bytes.CutSuffix(line, []byte("\r\n")); ok {
			line = append(rest, '\n')
		}
		if _, err := w.Write(line); err != nil {
			return err
		}
		if readErr == io.EOF {
			return nil
		} else if readErr != nil {
			return readErr
		}
	}
}

// checkLines approves a file that begins with the header and ends with a line.
func checkLines(header string) func(*io.SectionReader) error {
	return func(r *io.SectionReader) error {
		begin, last := make([]byte, len(header)), make([]byte, 1)
		if _, err := r.ReadAt(begin, 0); err != nil && err != io.EOF {
			return err
		}
		if string(begin) != header {
			return fmt.Errorf("the columns are not %s", strings.TrimSpace(header))
		}
		if _, err := r.ReadAt(last, r.Size()-1); err != nil && err != io.EOF {
			return err
		}
		if last[0] != '\n' {
			return errors.New("no row ends at the checkpoint's size: the file was changed since")
		}
		return nil
	}
}
