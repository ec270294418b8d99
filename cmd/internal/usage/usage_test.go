package usage

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// program has a command on a NET, one on nothing, and a folder of commands.
func program() *cobra.Command {
	root := &cobra.Command{Use: "p", SilenceErrors: true, SilenceUsage: true, Version: "1"}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return Wrap(Explain(cmd, err)) })
	run := func(*cobra.Command, []string) error { return nil }
	train := &cobra.Command{Use: "train", RunE: run}
	train.Flags().Int("width", 0, "")
	svm := &cobra.Command{Use: "svm", RunE: run, Args: NoArgs}
	svm.Flags().Float64("step-size", 0.1, "")
	svm.Flags().Int("batch", 1, "")
	svm.Flags().Uint64("seed", 0, "")
	svm.Flags().String("engine", "", "")
	svm.Flags().Bool("resume", false, "")
	train.AddCommand(svm)
	check := &cobra.Command{Use: "check", RunE: Subcommand("check what?")}
	check.AddCommand(&cobra.Command{Use: "unbiased", RunE: run})
	root.AddCommand(train, check, &cobra.Command{Use: "eval", RunE: run, Args: ExactArgs("CHECKPOINT")})
	root.SetOut(io.Discard)
	root.SetErr(io.Discard)
	return root
}

func TestMistakes(t *testing.T) {
	for args, want := range map[string]string{
		"train svm --step-size 0.1 --batch 2":    "",
		"train svm --lr 1":                       "unknown flag --lr: here it is --step-size",
		"train svm --gpu":                        "unknown flag --gpu: here it is --engine cuda",
		"train svm --model x":                    "unknown flag --model: the net is an argument",
		"train svm --dataset x":                  "unknown flag --dataset",
		"train svm --width 3":                    "--width means nothing to svm",
		"eval --version":                         "unknown flag --version",
		"train svm --batch x":                    "--batch x: want a whole number",
		"train svm --batch 1e30":                 "--batch 1e30: want a whole number",
		"train svm --batch 99999999999999999999": "--batch 99999999999999999999: want a whole number, and this is out of range",
		"train svm --seed -1":                    "--seed -1: want a whole number from 0 up",
		"train svm --step-size big":              "--step-size big: want a number",
		"train svm --resume=perhaps":             "--resume perhaps: want true or false",
		"train svm -x":                           "unknown shorthand flag",
		"train svm more":                         `unexpected argument "more"`,
		"eval":                                   "0 arguments, want CHECKPOINT",
		"eval a b":                               "2 arguments, want CHECKPOINT",
		"check":                                  "check what?",
		"check unbiasd":                          `unknown check "unbiasd": did you mean unbiased?`,
		"check everything":                       `unknown check "everything": choose one of unbiased`,
	} {
		root := program()
		root.SetArgs(strings.Fields(args))
		err := root.Execute()
		if want == "" {
			if err != nil {
				t.Errorf("%s: %v", args, err)
			}
			continue
		}
		if err == nil || !strings.HasPrefix(err.Error(), want) || !errors.As(err, new(Error)) {
			t.Errorf("%s: %v, want %s", args, err, want)
		}
	}
}
