package record

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"strconv"
	"strings"
)

// StepLosses are the mini-batch losses of steps.csv, read from the file each time, in
// memory that hardly depends on their number.
type StepLosses struct {
	ctx     context.Context
	f       *os.File
	n       int
	offsets []int64 // of every stride-th row
	err     error
}

// stride is how many rows are read to find one, at most.
const stride = 1 << 12

// OpenStepLosses opens the file and checks its rows, but for an unfinished last one. A
// context that ends cuts the series short; Err says so.
func OpenStepLosses(ctx context.Context, path string) (*StepLosses, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	l := &StepLosses{ctx: ctx, f: f}
	if err := l.index(); err != nil {
		return nil, errors.Join(fmt.Errorf("%s:%d: %w", path, l.n+2, err), f.Close())
	}
	return l, nil
}

func (l *StepLosses) index() error {
	r := bufio.NewReaderSize(l.f, 1<<16)
	header, err := r.ReadString('\n')
	if name := strings.TrimRight(strings.TrimPrefix(header, byteOrderMark), "\r\n"); name != strings.Join(stepColumns, ",") {
		return fmt.Errorf("the columns are not %s", strings.Join(stepColumns, ","))
	}
	offset := int64(len(header))
	for ; err == nil; l.n++ {
		var row []byte
		if row, err = r.ReadSlice('\n'); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		if bytes.Count(row, []byte(",")) != len(stepColumns)-1 {
			return fmt.Errorf("%q is not a row of %d columns", row, len(stepColumns))
		}
		if _, err := lossOf(row); err != nil {
			return err
		}
		if l.n%stride == 0 {
			if l.offsets = append(l.offsets, offset); l.ended() {
				return context.Canceled
			}
		}
		offset += int64(len(row))
	}
	return nil
}

// lossOf is the last cell of a row.
func lossOf(row []byte) (float64, error) {
	text := string(bytes.TrimRight(row[bytes.LastIndexByte(row, ',')+1:], "\r\n"))
	v, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return 0, fmt.Errorf("%s: %q is not a number", stepColumns[len(stepColumns)-1], text)
	}
	return v, nil
}

func (l *StepLosses) ended() bool {
	select {
	case <-l.ctx.Done():
		return true
	default:
		return false
	}
}

// Len is the number of rows.
func (l *StepLosses) Len() int { return l.n }

// From yields the losses of the rows i to j−1.
func (l *StepLosses) From(i, j int) iter.Seq[float64] {
	return func(yield func(float64) bool) {
		if i >= j || l.err != nil {
			return
		}
		if _, l.err = l.f.Seek(l.offsets[i/stride], io.SeekStart); l.err != nil {
			return
		}
		r := bufio.NewReaderSize(l.f, 1<<16)
		for k := i / stride * stride; k < j; k++ {
			row, err := r.ReadSlice('\n')
			if k%stride == 0 && l.ended() {
				err = context.Canceled
			}
			if err != nil {
				l.err = err
				return
			}
			if k < i {
				continue
			}
			v, err := lossOf(row)
			if err != nil {
				l.err = err
				return
			}
			if !yield(v) {
				return
			}
		}
	}
}

// Err is the first error of reading.
func (l *StepLosses) Err() error { return l.err }

// Close closes the file.
func (l *StepLosses) Close() error { return l.f.Close() }
