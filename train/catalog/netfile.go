package catalog

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"gorgonia.org/tensor"
	"largestep/data"
	"largestep/metrics/atomicfile"
	"largestep/nets"
	"largestep/nets/op"
	"largestep/train/curvature"
	"largestep/train/machine"
	"largestep/train/problem"
	"largestep/train/run"
	"largestep/train/safetensors"
	"largestep/train/weights"
)

// NetFile is a trained classifier of images as a file: one of our checkpoints,
// or any file of PyTorch's with the names and shapes of its nets for CIFAR, or
// torchvision's.
type NetFile struct {
	Path    string
	Problem Problem
	Classes int
	About   problem.About
	Changes []string  // to what it holds; see weights.File
	Beside  *run.File // of the run folder that it lies in; nil if there is none

	net     nets.Net
	tensors []safetensors.Tensor
	until   context.Context
}

// OpenNet reads the file and finds net, width and classes from its names and
// shapes.
func OpenNet(path string) (*NetFile, error) {
	file, err := weights.ReadFile(path)
	if err != nil {
		return nil, err
	}
	f := &NetFile{Changes: file.Changes, Path: path, tensors: file.Tensors, until: context.Background()}
	if f.About, err = problem.ReadAbout(file.Metadata); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if err := f.recognize(); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if beside, err := run.ReadConfig(filepath.Dir(path)); err == nil {
		f.Beside = beside
	}
	return f, nil
}

// recognize finds the net whose first and last layers have the file's names, and
// all of whose variables do.
func (f *NetFile) recognize() error {
	var wanted []string
	var misfits []string
	for _, p := range Problems {
		if !p.Reads() {
			continue
		}
		first, last := f.tensor(p.First), f.tensor(p.Last)
		wanted = append(wanted, fmt.Sprintf("%s has %s and %s", p.Title, p.First, p.Last))
		if first == nil || last == nil || len(first.Shape) != 4 || len(last.Shape) != 2 {
			continue
		}
		net, err := p.Net(first.Shape[0], last.Shape[0])
		if err == nil {
			err = f.fits(net)
		}
		if err != nil {
			misfits = append(misfits, fmt.Sprintf("as %s: %v", p.Title, err))
			continue
		}
		f.Problem, f.net, f.Classes = p, net, last.Shape[0]
		if names := f.About.Classes; names != nil && len(names) != f.Classes {
			return fmt.Errorf("%d names for %d classes", len(names), f.Classes)
		}
		return nil
	}
	if len(misfits) > 0 {
		return errors.New(strings.Join(misfits, "; "))
	}
	return fmt.Errorf("no net that is known here: %s", strings.Join(wanted, "; "))
}

func (f *NetFile) tensor(name string) *safetensors.Tensor {
	i := slices.IndexFunc(f.tensors, func(t safetensors.Tensor) bool { return t.Name == name })
	if i < 0 {
		return nil
	}
	return &f.tensors[i]
}

// fits compares the file's names and shapes with those of a net's variables: each
// must be there, and nothing else but PyTorch's counters. Their shapes are those for
// images of any size.
func (f *NetFile) fits(net nets.Net) error {
	m := nets.NewModel(tensor.Float32, false)
	if _, err := net.Output(m, m.Input("x", tensor.Float32, 1, data.Channels, data.MaxSide, data.MaxSide)); err != nil {
		return err
	}
	for _, v := range m.Variables {
		switch t := f.tensor(v.Name); {
		case t == nil && v.FoldedInto != "": // a bias that a file need not have
		case t == nil:
			return fmt.Errorf("no tensor %s", v.Name)
		case !slices.Equal(t.Shape, []int(v.Shape)):
			return fmt.Errorf("%s is %v, want %v", v.Name, t.Shape, v.Shape)
		}
	}
	for _, t := range f.tensors {
		own := slices.ContainsFunc(m.Variables, func(v *nets.Variable) bool { return v.Name == t.Name })
		if !own && !strings.HasSuffix(t.Name, ".num_batches_tracked") {
			return fmt.Errorf("tensor %s does not belong to it", t.Name)
		}
	}
	return nil
}

// ErrClasses refuses images of other classes than a network was trained on.
var ErrClasses = errors.New("other classes")

// CheckClasses refuses images of another number of classes, or of other names, if
// the file has names.
func (f *NetFile) CheckClasses(names []string) error {
	if len(names) != f.Classes {
		return fmt.Errorf("%s has %d classes, the data set %d: %w", f.Path, f.Classes, len(names), ErrClasses)
	}
	for i, name := range f.About.Classes {
		if name != names[i] {
			return fmt.Errorf("%s has %q as class %d, the data set %q: %w", f.Path, name, i, names[i], ErrClasses)
		}
	}
	return nil
}

// Until makes what is computed with the net from now on, also by what Probe and
// Features give, end early with machine.ErrInterrupted once the context has ended.
func (f *NetFile) Until(ctx context.Context) { f.until = ctx }

func (f *NetFile) variables(e op.Engine) *machine.Variables {
	vars := machine.NewVariables(e)
	vars.Until(f.until)
	return vars
}

// Evaluate measures the network on images, whose labels are numbers of its
// outputs; see problem.Evaluate for normalisation and logits.
func (f *NetFile) Evaluate(e op.Engine, images *data.Images, n data.Normalization, logits func(image int, z []float64) error) (problem.Result, error) {
	if c := len(images.Classes); c > f.Classes {
		return problem.Result{}, fmt.Errorf("%s has %d outputs, the data set %d classes", f.Path, f.Classes, c)
	}
	r, err := problem.Evaluate(f.variables(e), f.net, f.tensors, images, n, logits)
	if errors.Is(err, machine.ErrInterrupted) {
		return r, err
	}
	if err != nil {
		return r, fmt.Errorf("%s: %w", f.Path, err)
	}
	if math.IsNaN(r.Loss) || math.IsInf(r.Loss, 0) {
		return r, fmt.Errorf("%s: the loss is %g: its parameters are too large to compute with", f.Path, r.Loss)
	}
	return r, nil
}

// SaveLogits is Evaluate, and writes the logits to a CSV file, a line for each image.
func (f *NetFile) SaveLogits(path string, e op.Engine, images *data.Images, n data.Normalization) (r problem.Result, err error) {
	err = atomicfile.Write(path, func(w io.Writer) error {
		buf := bufio.NewWriter(w)
		r, err = f.Evaluate(e, images, n, func(_ int, z []float64) error {
			for i, v := range z {
				if i > 0 {
					buf.WriteByte(',')
				}
				buf.WriteString(strconv.FormatFloat(v, 'g', 9, 64))
			}
			return buf.WriteByte('\n')
		})
		return cmp.Or(err, buf.Flush())
	})
	return r, err
}

// Probe looks at the loss on images, in mini-batches of a size, around the file's
// parameters; see curvature.New.
func (f *NetFile) Probe(e op.Engine, images *data.Images, n data.Normalization, batch int, mode curvature.Mode) (*curvature.Probe, error) {
	if c := len(images.Classes); c > f.Classes {
		return nil, fmt.Errorf("%s has %d classes, the data set %d", f.Path, f.Classes, c)
	}
	loss := &problem.Images{Net: f.net, Data: &data.Dataset{Train: images}, Normalize: n}
	p, err := curvature.New(f.variables(e), loss, batch, mode)
	if err != nil {
		return nil, err
	}
	if err := p.Import(f.tensors); err != nil {
		return nil, fmt.Errorf("%s: %w", f.Path, err)
	}
	return p, nil
}

// Features are those of images, of the net in evaluation mode.
func (f *NetFile) Features(e op.Engine, images *data.Images, n data.Normalization) (*problem.Features, error) {
	features, err := problem.NewFeatures(f.variables(e), f.net, images, n)
	if err != nil {
		return nil, err
	}
	if err := features.Import(f.tensors); err != nil {
		return nil, fmt.Errorf("%s: %w", f.Path, err)
	}
	return features, nil
}
