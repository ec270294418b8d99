package progress

import (
	"context"
	"errors"
	"fmt"
	"io"

	"largestep/data"
	"largestep/metrics/record"
	"largestep/train/run"
	"largestep/train/trainer"
)

// ErrTold is returned of what was interrupted, once it has been said how to go on.
var ErrTold = errors.New("interrupted")

// Train trains with bars and lines, says how it ended, and where it was interrupted
// with which command it goes on.
func Train(ctx context.Context, out, progress io.Writer, o trainer.Options, again string) error {
	hooks, finish := Follow(progress, "", o.Dir)
	begun, start := false, hooks.Start
	hooks.Start = func(c run.Config, step int) {
		begun = true
		fmt.Fprintf(progress, "%s: %s\n", o.Dir, Describe(&c))
		start(c, step)
	}
	o.Hooks = hooks
	status, err := trainer.Run(ctx, o)
	finish()
	if errors.Is(err, trainer.ErrInterrupted) {
		interrupted(progress, o.Dir, status, again)
		return ErrTold
	}
	if err != nil {
		return err
	}
	return final(out, o.Dir, status, begun)
}

// interrupted says how to go on.
func interrupted(w io.Writer, dir string, status record.Status, again string) {
	fmt.Fprintf(w, "%s: interrupted at step %d, checkpoint saved; go on with %s\n", dir, status.Step, again)
}

// final prints how a run ended, this training or an earlier one.
func final(w io.Writer, dir string, status record.Status, now bool) error {
	if status.State == record.Diverged {
		fmt.Fprintf(w, "%s: diverged at epoch %.2f (%s)\n", dir, status.Epoch, status.Message)
		return nil
	}
	r, err := run.Open(dir)
	if err != nil {
		return err
	}
	last := r.Rows[len(r.Rows)-1]
	already := ""
	if !now {
		already = "already trained: "
	}
	fmt.Fprintf(w, "%s: %straining loss %.4g%s, %.1f s\n", dir, already, last.TrainLoss, testResult(last), last.Seconds)
	return nil
}

// Describe says what is trained.
func Describe(c *run.Config) string {
	text := c.Net
	ofImages := readsImages(c)
	if !ofImages {
		text += fmt.Sprintf(", %s instance of %d examples", c.Instance, c.TrainSize)
	}
	text += "; step size " + c.Schedule.Sentence()
	if c.Momentum != 0 {
		text += fmt.Sprintf(", momentum %g", c.Momentum)
	}
	if !ofImages {
		return text + fmt.Sprintf("; batch %d, %d steps", c.Batch, c.Steps())
	}
	return text + "; " + DescribeScale(c)
}

// DescribeScale says how large and how long a training on images is.
func DescribeScale(c *run.Config) string {
	return fmt.Sprintf("width %d, batch %d, %d epochs of %d %s", c.Width, c.Batch, c.Epochs, c.TrainSize, data.SetNamed(c.Dataset).Images)
}
