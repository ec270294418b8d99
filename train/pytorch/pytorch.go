// Package pytorch reads and writes the files of torch.save, as far as they hold
// weights: a zip archive, uncompressed, of a pickle and of the tensors' storages.
//
//	NAME/data.pkl   a pickle, whose persistent ids name storages
//	NAME/byteorder  "little"
//	NAME/data/0     the bytes of storage 0
//
// As with torch.load(weights_only=True), a pickle is not run but read: a closed
// list of opcodes builds numbers, strings, tuples, dictionaries and tensors, and
// of classes on a closed list it makes those, or something inert; whatever needs
// another class or function is refused by its name. Each size that a file claims
// is held against the file's own before memory is allocated for it.
package pytorch

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"largestep/train/safetensors"
)

// magic begins a zip archive.
const magic = "PK\x03\x04"

var (
	errLegacy = errors.New("written in PyTorch's format before version 1.6: " +
		"load it with torch.load and save it again with torch.save, of version 1.6 or later")
	errPickle = errors.New("a bare pickle: save the state_dict with torch.save")
)

// MagicLength is the number of bytes from which Recognize knows a file.
const MagicLength = 262

// Recognize tells by a file's first bytes whether Read is to read it, be it to
// refuse it: a zip archive, a pickle, or an archive of PyTorch's first format.
func Recognize(start []byte) bool {
	return bytes.HasPrefix(start, []byte(magic)) || legacy(start) != nil
}

// legacy tells what is wrong with a file that torch.save of old wrote: a tar
// archive (0.1), or a pickle of a magic number and others after it (to 1.5).
func legacy(start []byte) error {
	const magicNumber = "\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19" // LONG1 0x1950a86a20f9469cfc6c
	switch {
	case len(start) > 8 && start[8] == '{': // a safetensors file, whatever the length before
		return nil
	case len(start) >= 2 && start[0] == opProto && start[1] <= 5:
		if bytes.Contains(start[:min(len(start), 32)], []byte(magicNumber)) {
			return errLegacy
		}
		return errPickle
	case len(start) >= MagicLength && string(start[MagicLength-5:MagicLength]) == "ustar":
		return errLegacy
	}
	return nil
}

// Read reads the state_dict in a file of the given size in bytes: its tensors in
// the file's order, and the keys under which it lay, such as "state_dict", "" if
// the file holds nothing else. Tensors that share a storage may share Data.
func Read(r io.ReaderAt, size int64) (tensors []safetensors.Tensor, under string, err error) {
	start := make([]byte, min(size, MagicLength))
	if _, err := r.ReadAt(start, 0); err != nil && err != io.EOF {
		return nil, "", err
	}
	if err := legacy(start); err != nil {
		return nil, "", err
	}
	a, err := openArchive(r, size)
	if err != nil {
		return nil, "", err
	}
	p, err := a.pickle()
	if err != nil {
		return nil, "", err
	}
	root, err := unpickle(p)
	if err != nil {
		return nil, "", fmt.Errorf("data.pkl: %w", err)
	}
	d, under, err := findStateDict(root)
	if err != nil {
		return nil, "", err
	}
	tensors, err = a.tensors(d)
	return tensors, under, err
}
