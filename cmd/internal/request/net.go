package request

import (
	"fmt"
	"strings"

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
				shared.Value = &words{of: f.Value}
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
			if err := handOn(sub, cmd.Flags()); err != nil {
				return sub.FlagErrorFunc()(sub, err)
			}
			sub.SetContext(cmd.Context())
			return sub.RunE(sub, nil)
		}
	}
	return fmt.Errorf("no command for %s", net)
}

// words are what was typed of a flag before it was known which NET reads it.
type words struct {
	of    pflag.Value
	typed []string
}

func (w *words) String() string { return strings.Join(w.typed[max(0, len(w.typed)-1):], "") }
func (w *words) Type() string   { return w.of.Type() }

func (w *words) Set(word string) error {
	w.typed = append(w.typed, word)
	return nil
}

// Several tells that values may have commas between them.
func (w *words) Several() bool {
	list, ok := w.of.(*list)
	return ok && list.Several()
}

// handOn sets the flags of a subcommand as they were typed.
func handOn(sub *cobra.Command, typed *pflag.FlagSet) (err error) {
	typed.Visit(func(f *pflag.Flag) {
		if w, ok := f.Value.(*words); ok { // else of the parent alone, as --help is
			for i := 0; i < len(w.typed) && err == nil; i++ {
				err = sub.Flags().Set(f.Name, w.typed[i])
			}
		}
	})
	return err
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
