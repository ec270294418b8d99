package request

import (
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"largestep/cmd/internal/usage"
	"largestep/train/catalog"
)

// PerNet completes a command on a NET: a subcommand for each problem, whose flags
// are those that it takes.
func PerNet(parent *cobra.Command, command func(p catalog.Problem) *cobra.Command, problems ...catalog.Problem) *cobra.Command {
	for _, p := range problems {
		sub := command(p)
		sub.Use, sub.Short, sub.Args = p.Name, p.About, usage.NoArgs
		parent.AddCommand(sub)
		sub.Flags().VisitAll(func(f *pflag.Flag) { // so that flags may come before NET
			if parent.Flags().Lookup(f.Name) == nil {
				shared := *f
				shared.DefValue = map[string]string{"string": "", "bool": "false"}[f.Value.Type()] // each NET has its own
				if shared.DefValue == "" && f.Value.Type() != "string" {
					shared.DefValue = "0"
				}
				parent.Flags().AddFlag(&shared)
			}
		})
	}
	parent.RunE = func(_ *cobra.Command, args []string) error {
		if len(args) != 1 {
			return usage.Errorf("%d arguments, want NET", len(args))
		}
		_, err := catalog.Find(args[0])
		return err
	}
	return parent
}

// OrFromFile lets the file of --config name the NET of a command.
func OrFromFile(cmd *cobra.Command) *cobra.Command {
	withNet := cmd.RunE
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if path := cmd.Flags().Lookup("config"); len(args) == 0 && path.Changed {
			return runFile(cmd, path.Value.String())
		}
		return withNet(cmd, args)
	}
	return cmd
}

// runFile runs the subcommand of the NET that a file names.
func runFile(cmd *cobra.Command, path string) error {
	net, err := netOf(path)
	if err != nil {
		return err
	}
	if _, err := catalog.Find(net); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	for _, sub := range cmd.Commands() {
		if sub.Name() == net {
			cmd.Flags().Visit(func(f *pflag.Flag) {
				if sub.Flags().Lookup(f.Name) == nil && err == nil {
					err = usage.Wrap(usage.UnknownFlag(sub, f.Name))
				}
			})
			if err != nil {
				return err
			}
			if err := apply(sub.Flags(), cmd.Flags()); err != nil {
				return err
			}
			sub.SetContext(cmd.Context())
			return sub.RunE(sub, nil)
		}
	}
	return fmt.Errorf("no command for %s", net)
}

// apply sets the flags of one set that were set of another.
func apply(to, from *pflag.FlagSet) (err error) {
	from.Visit(func(f *pflag.Flag) {
		if to.Lookup(f.Name) != nil && err == nil {
			err = to.Set(f.Name, f.Value.String())
		}
	})
	return err
}
