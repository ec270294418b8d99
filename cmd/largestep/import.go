package main

import (
	"github.com/spf13/cobra"
	"largestep/cmd/internal/usage"
	"largestep/data"
	"largestep/train/progress"
)

func newImport() *cobra.Command {
	var o data.ImportOptions
	cmd := &cobra.Command{
		Use:   "import FOLDER|ARCHIVE",
		Short: "Turn images in folders into a data set to train on",
		Long: `Import reads JPEG or PNG images, squares of one size up to 64×64 pixels, laid out as
train/CLASS/* and test/CLASS/*, in a folder, a .tar or a .tar.gz, of at most 1,000
classes. It writes them in a binary layout like that of CIFAR-10, in a folder of
their own in the user's cache folder, where "largestep train NET --dataset NAME"
finds them. Images are turned as their EXIF data say; transparent ones are
refused.`,
		Example: `  largestep import cifar10-jpeg.tar.gz --name "CIFAR-10 (JPEG copy)"
  largestep import tiny-imagenet --name tiny-imagenet && largestep train resnet18 --dataset tiny-imagenet
  largestep import ~/shapes --data ~/shapes-bin`,
		Args: usage.ExactArgs("FOLDER|ARCHIVE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Waiting = func(dir string) { waiting(cmd, dir) }
			var finish func()
			o.Progress, finish = progress.FollowBytes(cmd.ErrOrStderr(), "images", false)
			dir, err := data.Import(cmd.Context(), args[0], o)
			finish()
			if err != nil {
				return err
			}
			return reportSet(cmd, dir, o.Dir == "")
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.Dir, "data", "", "folder to write (default: one of that name in the user's cache folder)")
	f.StringVar(&o.Name, "name", "", "what the data set is called, in figures and with --dataset (default: the source's name)")
	return cmd
}
