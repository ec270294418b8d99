package pytorch

import (
	"archive/zip"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"path"
	"strings"
)

// maxPickle is the largest pickle read, in bytes; that of a ResNet-18 has 15,000,
// and an optimizer's state beside it 6,000 more.
const maxPickle = 64 << 20

// archive is the zip archive that torch.save writes.
type archive struct {
	r       io.ReaderAt
	size    int64
	folder  string // of all members
	members map[string]*zip.File

	storages map[string][]byte // that have been read
	total    int64             // bytes of the tensors that have been read
}

// openArchive reads the list of members, and checks all that it says.
func openArchive(r io.ReaderAt, size int64) (*archive, error) {
	z, err := zip.NewReader(r, size)
	if err != nil {
		return nil, fmt.Errorf("%w: truncated?", err)
	}
	a := &archive{r: r, size: size, members: map[string]*zip.File{}, storages: map[string][]byte{}}
	var pickles []string
	for _, f := range z.File {
		if a.members[f.Name] != nil {
			return nil, fmt.Errorf("member %q is there twice", f.Name)
		}
		a.members[f.Name] = f
		switch path.Base(f.Name) {
		case "data.pkl":
			pickles = append(pickles, f.Name)
		case "constants.pkl":
			return nil, errors.New("a TorchScript archive: save model.state_dict() with torch.save")
		}
	}
	if len(pickles) != 1 {
		return nil, fmt.Errorf("a zip archive with %d members data.pkl, want one: not written by torch.save?", len(pickles))
	}
	a.folder = strings.TrimSuffix(pickles[0], "data.pkl")
	if err := checkSizes(z.File, uint64(size)); err != nil {
		return nil, err
	}
	return a, a.checkByteOrder()
}

// checkSizes checks that the members are stored as they are, and together are no
// larger than the file: so none can unfold to more.
func checkSizes(members []*zip.File, size uint64) error {
	var total uint64
	for _, f := range members {
		if f.Method != zip.Store {
			return fmt.Errorf("member %q is compressed, which torch.save never does", f.Name)
		}
		n := f.UncompressedSize64
		if n != f.CompressedSize64 || n > size || total+n > size {
			return fmt.Errorf("member %q: the members claim more bytes than the file's %d", f.Name, size)
		}
		total += n
	}
	return nil
}

func (a *archive) checkByteOrder() error {
	if a.members[a.folder+"byteorder"] == nil { // PyTorch before 2.1
		return nil
	}
	order, err := a.read("byteorder", 16)
	if err != nil {
		return err
	}
	if string(order) != "little" {
		return fmt.Errorf("byte order %q, want little: save it on a machine of that order", order)
	}
	return nil
}

func (a *archive) pickle() ([]byte, error) { return a.read("data.pkl", maxPickle) }

// read reads a member of at most limit bytes, and checks it if the archive has
// checksums, which PyTorch can leave out.
func (a *archive) read(name string, limit int64) ([]byte, error) {
	f := a.members[a.folder+name]
	if f == nil {
		return nil, fmt.Errorf("no member %q: truncated?", a.folder+name)
	}
	if f.UncompressedSize64 > uint64(limit) {
		return nil, fmt.Errorf("member %q has %d bytes, want at most %d", f.Name, f.UncompressedSize64, limit)
	}
	at, err := f.DataOffset()
	if err != nil {
		return nil, fmt.Errorf("member %q: %w", f.Name, err)
	}
	b := make([]byte, f.UncompressedSize64)
	if n, err := a.r.ReadAt(b, at); n < len(b) {
		return nil, fmt.Errorf("member %q: %w", f.Name, err)
	}
	if f.CRC32 != 0 && crc32.ChecksumIEEE(b) != f.CRC32 {
		return nil, fmt.Errorf("member %q: its checksum is wrong: a damaged file", f.Name)
	}
	return b, nil
}

// storage reads a storage, once.
func (a *archive) storage(key string) ([]byte, error) {
	if b, ok := a.storages[key]; ok {
		return b, nil
	}
	b, err := a.read("data/"+key, a.size)
	if err == nil {
		a.storages[key] = b
	}
	return b, err
}
