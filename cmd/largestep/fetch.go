package main

import (
	"fmt"

	"github.com/spf13/cobra"
	"largestep/data"
)

func newFetch() *cobra.Command {
	var o data.FetchOptions
	cmd := &cobra.Command{
		Use:   "fetch cifar10",
		Short: "Download CIFAR-10, verify and unpack it",
		Long: `Fetch downloads CIFAR-10 in its binary layout (163 MB), verifies its checksum and
unpacks it into the user's cache folder. A download that was cut short goes on
where it stopped.`,
		Example: `  largestep fetch cifar10
  largestep fetch cifar10 --from ~/Downloads/cifar-10-binary.tar.gz
  largestep fetch cifar10 --from https://mirror.example/cifar-10-binary.tar.gz --data ~/cifar10`,
		Args: exactArgs("cifar10"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if args[0] != data.NameCIFAR10 {
				return usageError{fmt.Errorf("unknown data set %q: cifar10 can be fetched", args[0])}
			}
			dir, err := targetDir(o.Dir)
			if err != nil {
				return err
			}
			o.Dir = dir
			_, absent := data.Summarize(dir)
			o.Waiting = waiting(cmd, dir)
			var finish func()
			o.Progress, finish = followBytes(cmd.ErrOrStderr(), "cifar-10-binary.tar.gz", true)
			err = data.Fetch(cmd.Context(), o)
			finish()
			if err == nil && absent == nil {
				fmt.Fprintf(cmd.ErrOrStderr(), "%s was there before, and its images are not verified: delete it to fetch them again\n", dir)
			}
			return reportSet(cmd, dir, err)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.From, "from", "", "archive to use: a file, or the URL of a mirror (default: the official site)")
	f.StringVar(&o.Dir, "data", "", "folder to unpack into (default: in the user's cache folder)")
	f.StringVar(&o.MD5, "md5", "", "expected MD5 of the archive (default: the official one)")
	f.StringVar(&o.SHA256, "sha256", "", "expected SHA-256 of the archive")
	return cmd
}

func targetDir(dir string) (string, error) {
	if dir != "" {
		return dir, nil
	}
	return data.DefaultDir()
}

// waiting tells a person why nothing happens.
func waiting(cmd *cobra.Command, dir string) func() {
	return func() { fmt.Fprintf(cmd.ErrOrStderr(), "another process is making %s: waiting for it\n", dir) }
}

// reportSet says what a fetch or an import has left in dir, by reading it.
func reportSet(cmd *cobra.Command, dir string, err error) error {
	if err != nil {
		return err
	}
	set, err := data.LoadCIFAR10(dir)
	if err != nil {
		return err
	}
	fmt.Fprintf(cmd.OutOrStdout(), "%s: %d training and %d test images of %d classes in %s\n",
		set.Name, set.Train.Len(), set.Test.Len(), len(set.Train.Classes), dir)
	return nil
}
