package help

import "github.com/spf13/cobra"

// Topics are what "largestep help" says beside its commands.
func Topics() []*cobra.Command {
	return []*cobra.Command{{
		Use:   "reproduce",
		Short: "The paper's figures, from first to last",
		Long: `The main figure, at a scale that takes a minute and needs no data:

  largestep figure main

The same at a larger scale. The presets are small (8 minutes on two cores), long
(half an hour: long enough for the loss to stabilise) and paper (Figure 1 as it is:
6 minutes on an H100):

  largestep fetch cifar10
  largestep figure main --preset small
  largestep figure main --preset paper --engine cuda --precision bf16

The features' sparsity, the paper's other settings of ResNet-18, and the small
problems, with the paper's numbers beside ours:

  largestep figure sparsity --preset small
  largestep figure plain --preset small
  largestep figure sota --preset small
  largestep figure diagonal
  largestep figure all

Each figure is a .png, .svg and .pdf in figures/, with its numbers as .txt and .csv,
beside the runs that it was drawn from. A figure that is cut short goes on by the
same command, and no run is trained twice.

One run of a figure is an ordinary training, to be changed at will:

  largestep train resnet18 --step-size 0.7 --decay-at 0.3
  largestep train --config figures/main-small/RUN/config.json --seed 1

Two warm-ups are told apart. The paper's lets the step size GROW during the first
phase, from η on, for as long as the phase lasts: --warmup-exp 1.05, or
--warmup-gain. What others call a warm-up is --warmup: the step size RISES from 0 to
η during the first steps.

Two trainings of the same settings have the same bits, on the same kernels:

  largestep train --config runs/a/config.json --out runs/again
  cmp runs/a/checkpoint.safetensors runs/again/checkpoint.safetensors`,
	}, {
		Use:   "slurm",
		Short: "Sweeps as job arrays of Slurm",
		Long: `A sweep is submitted as one job array, of which each task trains a run:

  largestep sweep train resnet18 --step-size 0.05,0.2,0.5,1 --seeds 3 \
      --out sweep --on slurm --partition gpu --gres gpu:1 --time 4:00:00

Any other option of sbatch is passed on:

  … --sbatch "--mem=8G" --sbatch "--account=physics"

Before its time limit, and when it is preempted, a task saves its run and queues
itself again, so that a run may take longer than a job. How all stand, and the table
with the heat map, as far as the runs have come:

  largestep sweep status sweep
  largestep sweep collect sweep

A run that failed, or was cancelled, is trained by the same "sweep train" again, which
leaves finished runs alone. One of them by its number, from 0 in the order of "sweep
status":

  largestep sweep task sweep 7

Where there is no Slurm, --print prints a command for each run:

  largestep sweep train svm --batch 1,4 --out s --print | parallel

A job script for a single run is written once, since --resume begins a run, too;
submitted again, it goes on:

  #!/bin/sh
  #SBATCH --time=1:00:00 --requeue --signal=B:TERM@60
  exec largestep train resnet18 --out runs/a --resume`,
	}, {
		Use:   "files",
		Short: "What a run folder holds, and how to read it",
		Long: `  config.json             every setting, and the program, machine and data;
                          "largestep train --config FILE" trains the same again
  metrics.csv             a row for each evaluation
  steps.csv               with --log-steps, a row for each step
  histograms.csv          with --histograms, those of weights, and of how often
                          each unit is active
  checkpoint.safetensors  the latest state, with PyTorch's names and shapes
  phase-1.safetensors, …  parameters with which each phase but the last ended
  events.out.tfevents.*   the same records for TensorBoard
  plateaus.json           with --log-steps, where the loss stood still
  status.json, log.txt    how it ended, and when what happened

Columns of metrics.csv: losses are in nats, errors are fractions from 0 to 1.
active_1, active_2, … are the fractions of positive features after each stage, and
sparsity_1, … the same without duplicates. Both count what is active: a high one means
DENSE features, a low one sparse features.

  largestep runs                                      lists them
  largestep plot runs/a runs/b -o compare.png         draws them
  largestep table sweep -o table.csv                  how they ended
  tensorboard --logdir runs
  python -c "import pandas; print(pandas.read_csv('runs/a/metrics.csv'))"

A checkpoint in PyTorch, of a ResNet-18 for CIFAR of the same width, and back:

  net.load_state_dict(safetensors.torch.load_file("checkpoint.safetensors"))

  largestep export runs/a/checkpoint.safetensors -o a.pth
  largestep eval a.pth --dataset cifar10
  largestep train resnet18 --init a.pth --step-size 0.02

A run is deleted by deleting its folder, and moved by moving it. To go on with one,
all but events and phase-*.safetensors must be as it was left.`,
	}}
}
