package main

import (
	"github.com/spf13/cobra"
	"largestep/data"
)

func newImport() *cobra.Command {
	var o data.ImportOptions
	cmd := &cobra.Command{
		Use:   "import FOLDER|ARCHIVE",
		Short: "Turn images in folders into a data set to train on",
		Long: `Import reads 32×32 JPEG or PNG images laid out as train/CLASS/* and test/CLASS/*,
in a folder, a .tar or a .tar.gz, of at most ten classes, and writes them in the
binary layout of CIFAR-10. They are turned as their EXIF data say; transparent
ones are refused.`,
		Example: `  largestep import cifar10-jpeg.tar.gz --name "CIFAR-10 (JPEG copy)"
  largestep import ~/shapes --data ~/shapes-bin`,
		Args: exactArgs("FOLDER|ARCHIVE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			dir, err := targetDir(o.Dir)
			if err != nil {
				return err
			}
			o.Dir = dir
			o.Waiting = waiting(cmd, dir)
			var finish func()
			o.Progress, finish = followBytes(cmd.ErrOrStderr(), "images", false)
			err = data.Import(cmd.Context(), args[0], o)
			finish()
			return reportSet(cmd, dir, err)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.Dir, "data", "", "folder to write (default: where \"largestep fetch cifar10\" would)")
	f.StringVar(&o.Name, "name", "", "what figures call the data set (default: the source's name)")
	return cmd
}
