package sweep

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"largestep/metrics/atomicfile"
)

// Slurm are the options of a job array, a task for each run.
type Slurm struct {
	Partition, Time, Gres string
	More                  []string // further options of sbatch
	Command               []string // of a task
}

// warning is how many seconds before a task's limit Slurm tells it, time enough for
// a checkpoint.
const warning = 60

// Script is what sbatch is given. Signals that Slurm sends to the batch script go to
// the command, which saves its run and queues the task again. A command that was
// killed is queued again from here, but not for ever.
func (o Slurm) Script(dir string, runs int) (string, error) {
	options := []string{
		"--job-name=" + filepath.Base(dir), fmt.Sprintf("--array=0-%d", runs-1), "--requeue", "--open-mode=append",
		fmt.Sprintf("--signal=B:USR1@%d", warning), "--output=" + filepath.Join(dir, "slurm", "%a.log"),
	}
	for _, x := range [][2]string{{"--partition=", o.Partition}, {"--time=", o.Time}, {"--gres=", o.Gres}} {
		if x[1] != "" {
			options = append(options, x[0]+x[1])
		}
	}
	options = append(options, o.More...)
	var b strings.Builder
	b.WriteString("#!/bin/bash\n")
	for _, x := range options {
		if strings.ContainsAny(x, "\r\n") {
			return "", fmt.Errorf("option %q of sbatch: no line breaks", x)
		}
		fmt.Fprintf(&b, "#SBATCH %s\n", quoteOption(x))
	}
	for _, word := range o.Command {
		b.WriteString("'" + strings.ReplaceAll(word, "'", `'\''`) + "' ")
	}
	b.WriteString(waitForCommand)
	return b.String(), nil
}

// waitForCommand ends the script: wait returns early at a signal.
const waitForCommand = `&
child=$!
trap 'kill -USR1 "$child"' USR1 TERM
while wait "$child"; status=$?; [ "$status" -gt 128 ] && kill -0 "$child" 2>/dev/null; do :; done
if [ "$status" -eq 137 ] && [ "${SLURM_RESTART_COUNT:-0}" -lt 10 ]; then
	scontrol requeue "${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID"
fi
exit "$status"
`

// quoteOption quotes an option with blanks as sbatch wants it.
func quoteOption(text string) string {
	name, value, ok := strings.Cut(text, "=")
	if ok && strings.ContainsAny(value, " \t") && !strings.ContainsAny(value, `"'`) {
		return name + `="` + value + `"`
	}
	return text
}

// Submit leaves the script in the sweep's folder, and submits it; it returns the
// job's number.
func (o Slurm) Submit(ctx context.Context, dir string, runs int) (id string, err error) {
	script, err := o.Script(dir, runs)
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(filepath.Join(dir, "slurm"), 0o777); err != nil {
		return "", err
	}
	path := filepath.Join(dir, "slurm", "job.sh")
	if err := atomicfile.WriteFile(path, []byte(script)); err != nil {
		return "", err
	}
	out, err := command(ctx, "sbatch", "--parsable", path)
	if errors.Is(err, exec.ErrNotFound) {
		return "", fmt.Errorf("no sbatch on this machine: run \"sbatch %s\" where there is one", path)
	}
	id, _, _ = strings.Cut(strings.TrimSpace(out), ";") // of a cluster
	return id, err
}

// Requeue queues this task of a job array, or this job, again, unless it has been
// cancelled.
func Requeue(ctx context.Context) error {
	id := os.Getenv("SLURM_JOB_ID")
	if array := os.Getenv("SLURM_ARRAY_JOB_ID"); array != "" {
		id = array + "_" + os.Getenv(TaskVariable)
	}
	about, err := command(ctx, "scontrol", "show", "job", "-o", id)
	if err != nil {
		return err
	}
	if !strings.Contains(about, "JobState=RUNNING") { // cancelled, or queued again by Slurm
		return nil
	}
	_, err = command(ctx, "scontrol", "requeue", id)
	return err
}

// command runs one of Slurm's, and returns its output.
func command(ctx context.Context, name string, args ...string) (string, error) {
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, strings.Join(strings.Fields(stderr.String()), " "))
	}
	return stdout.String(), nil
}
