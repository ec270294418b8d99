package record

import (
	"fmt"
	"os"
	"strings"
	"time"
)

// A Log appends lines to log.txt, each with its time in UTC. A resumed run
// keeps the lines of what it repeats.
type Log struct{ f *os.File }

// OpenLog opens or makes the file.
func OpenLog(path string) (*Log, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o666)
	if err != nil {
		return nil, err
	}
	if err := endLine(f); err != nil {
		f.Close()
		return nil, err
	}
	return &Log{f}, nil
}

// endLine ends a line that a crash left unfinished.
func endLine(f *os.File) error {
	info, err := f.Stat()
	if err != nil || info.Size() == 0 {
		return err
	}
	var last [1]byte
	if _, err := f.ReadAt(last[:], info.Size()-1); err != nil {
		return err
	}
	if last[0] != '\n' {
		_, err = f.WriteString("\n")
	}
	return err
}

// Printf appends one line.
func (l *Log) Printf(format string, args ...any) error {
	text := strings.ReplaceAll(strings.TrimRight(fmt.Sprintf(format, args...), "\n"), "\n", " | ")
	_, err := fmt.Fprintf(l.f, "%s %s\n", time.Now().UTC().Format(time.RFC3339), text)
	return err
}

// Close syncs and closes the file.
func (l *Log) Close() error {
	err := l.f.Sync()
	if cerr := l.f.Close(); err == nil {
		err = cerr
	}
	return err
}
