package safetensors

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"maps"
)

// ChecksumKey is the entry of the metadata that holds a file's checksum, if its
// writer gave it one: the SHA-256, in hexadecimal, of the file that Write makes
// without this entry.
const ChecksumKey = "largestep.sha256"

// ErrChecksum tells that a file holds something else than was written to it.
var ErrChecksum = errors.New("its checksum is wrong: the file was damaged, or changed by another program, since it was written")

// Sealed is the metadata with the checksum of a file of these tensors.
func Sealed(tensors []Tensor, metadata map[string]string) (map[string]string, error) {
	sum, err := checksum(tensors, metadata)
	if err != nil {
		return nil, err
	}
	sealed := map[string]string{}
	maps.Copy(sealed, metadata)
	sealed[ChecksumKey] = sum
	return sealed, nil
}

func checksum(tensors []Tensor, metadata map[string]string) (string, error) {
	rest := maps.Clone(metadata)
	delete(rest, ChecksumKey)
	sum := sha256.New()
	if err := Write(sum, tensors, rest); err != nil {
		return "", err
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// verify compares a file's content with its checksum, if it has one.
func verify(tensors []Tensor, metadata map[string]string) error {
	want, sealed := metadata[ChecksumKey]
	if !sealed {
		return nil
	}
	if sum, err := checksum(tensors, metadata); err != nil || sum != want {
		return ErrChecksum
	}
	return nil
}
