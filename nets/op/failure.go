package op

import "errors"

// Kinds of failures of engines that a user can do something about.
var (
	ErrMemory   = errors.New("out of memory")
	ErrNoDevice = errors.New("no device that the engine can compute on")
	ErrLost     = errors.New("the device is lost to this process, which has to start again")
	ErrNoKernel = errors.New("no kernel of the engine computes this")
	ErrFormat   = errors.New("the engine cannot compute this in the number format")
)

// Failure is one of these kinds, told in its own words.
type Failure struct {
	Kind error
	Text string
}

func (f *Failure) Error() string { return f.Text }
func (f *Failure) Unwrap() error { return f.Kind }
