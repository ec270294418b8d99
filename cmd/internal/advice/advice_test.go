package advice

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"largestep/data"
	"largestep/nets/op"
	"largestep/train/run"
)

func TestAdd(t *testing.T) {
	dir := t.TempDir()
	find := func(name string) error {
		_, err := data.FindIn(filepath.Join(dir, name))
		return err
	}
	for _, folder := range []string{"empty", "pictures/train", "pictures/test", "python"} {
		os.MkdirAll(filepath.Join(dir, folder), 0o777)
	}
	os.WriteFile(filepath.Join(dir, "python", "data_batch_1"), nil, 0o666)
	for _, c := range []struct {
		err  error
		want string
	}{
		{fmt.Errorf("runs/a %w", run.ErrHoldsRun), "runs/a holds a run: choose another folder with --out"},
		{&op.Failure{Kind: op.ErrMemory, Text: "full: free it"}, "full: free it, or use a smaller --batch or --width"},
		{fmt.Errorf("%w: %w", errors.New("404"), data.ErrNoArchive), "404: name another archive with --from"},
		{find("none"), "no data set in " + dir + "/none (" + fs.ErrNotExist.Error() + `): run "largestep fetch cifar10", or name another folder`},
		{find("empty"), dir + `/empty is empty: run "largestep fetch cifar10", or name another folder`},
		{find("pictures"), dir + `/pictures holds folders of images: run "largestep import ` + dir + `/pictures --data FOLDER", and name that FOLDER`},
		{find("python"), dir + `/python holds the Python version of CIFAR-10, which is not read here: run "largestep fetch cifar10" for the binary version`},
		{errors.New("else"), "else"},
	} {
		got := Add(fmt.Errorf("it: %w", c.err))
		if filepath.ToSlash(got.Error()) != filepath.ToSlash("it: "+c.want) {
			t.Errorf("%v\nwant it: %s", got, c.want)
		}
		if !errors.Is(got, c.err) {
			t.Errorf("%v is not %v any more", got, c.err)
		}
	}
}
