package main

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"largestep/cmd/internal/usage"
	"largestep/data"
	"largestep/train/catalog"
	"largestep/train/progress"
	"largestep/train/shell"
)

func newFetch() *cobra.Command {
	var o data.FetchOptions
	sets := data.Fetchable()
	var names []string
	about, example := "", ""
	for _, s := range sets {
		names = append(names, s.Name)
		about += fmt.Sprintf("  %-9s %s, %s\n", s.Name, s.Title, s.Archive.Size)
		example += fmt.Sprintf("  largestep fetch %s\n", s.Name)
	}
	archive := path.Base(sets[0].Archive.URL)
	cmd := &cobra.Command{
		Use:   "fetch SET",
		Short: "Download a data set such as CIFAR-10, verify and unpack it",
		Long: `Fetch downloads a data set in its binary layout, verifies its checksum and unpacks
it into the user's cache folder, where "largestep train NET --dataset SET" finds
it. A download that was cut short goes on where it stopped. There are

` + strings.TrimSuffix(about, "\n"),
		Example: example + fmt.Sprintf(`  largestep fetch %[1]s --from ~/Downloads/%[2]s
  largestep fetch %[1]s --from https://mirror.example/%[2]s --data ~/%[1]s`, sets[0].Name, archive),
		Args: usage.ExactArgs(strings.Join(names, "|")),
		RunE: func(cmd *cobra.Command, args []string) error {
			i := slices.Index(names, args[0])
			if i < 0 {
				return usage.Errorf("unknown data set %q: choose one of %s", args[0], strings.Join(names, ", "))
			}
			return runFetch(cmd, sets[i], o)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.From, "from", "", "archive to use: a file, or the URL of a mirror (default: the official site)")
	f.StringVar(&o.Dir, "data", "", "folder to unpack into (default: in the user's cache folder)")
	f.StringVar(&o.MD5, "md5", "", "expected MD5 of the archive (default: the official one)")
	f.StringVar(&o.SHA256, "sha256", "", "expected SHA-256 of the archive")
	return cmd
}

func runFetch(cmd *cobra.Command, set data.Set, o data.FetchOptions) (err error) {
	inCache := o.Dir == ""
	if inCache {
		if o.Dir, err = set.Home(); err != nil {
			return err
		}
	}
	_, absent := data.Summarize(o.Dir)
	o.Waiting = func() { waiting(cmd, o.Dir) }
	var finish func()
	o.Progress, finish = progress.FollowBytes(cmd.ErrOrStderr(), path.Base(set.Archive.URL), true)
	err = data.Fetch(cmd.Context(), set, o)
	finish()
	if err != nil {
		return err
	}
	if absent == nil {
		fmt.Fprintf(cmd.ErrOrStderr(), "%s was there before, and its images are not verified: delete it to fetch them again\n", o.Dir)
	}
	return reportSet(cmd, o.Dir, inCache)
}

// waiting tells a person why nothing happens.
func waiting(cmd *cobra.Command, dir string) {
	fmt.Fprintf(cmd.ErrOrStderr(), "another process is making %s: waiting for it\n", dir)
}

// reportSet says what a fetch or an import has left in dir, by reading it, and how
// to train on it.
func reportSet(cmd *cobra.Command, dir string, inCache bool) error {
	set, err := data.Load(dir)
	if err != nil {
		return err
	}
	how := "--dataset " + shell.Word(set.Name)
	if !inCache {
		how += " --data " + shell.Word(dir)
	}
	fmt.Fprintf(cmd.OutOrStdout(), "%s: %d training and %d test images of %d classes, %d×%[5]d pixels, in %s\ntrain on them with largestep train %s %s\n",
		set.Name, set.Train.Len(), set.Test.Len(), len(set.Train.Classes), set.Train.Side, dir, catalog.Problems[0].Name, how)
	return nil
}
