package progress

import (
	"fmt"
	"io"

	"largestep/data"
	"largestep/metrics/record"
	"largestep/train/run"
)

// Interrupted says how to go on.
func Interrupted(w io.Writer, dir string, status record.Status, again string) {
	fmt.Fprintf(w, "%s: interrupted at step %d, checkpoint saved; go on with %s\n", dir, status.Step, again)
}

// Final prints how a run ended, this training or an earlier one.
func Final(w io.Writer, dir string, status record.Status, now bool) error {
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
