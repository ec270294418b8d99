package main

import (
	"path/filepath"

	"github.com/spf13/cobra"
	"largestep/cmd/internal/help"
	"largestep/cmd/internal/usage"
	"largestep/metrics/atomicfile"
)

//go:generate go run . reference doc

// newReference writes what --help says of all commands into files.
func newReference() *cobra.Command {
	return &cobra.Command{
		Use: "reference DIR", Short: "Write a man page and a reference in Markdown", Hidden: true, Args: usage.ExactArgs("DIR"),
		RunE: func(cmd *cobra.Command, args []string) error {
			for name, content := range map[string][]byte{"largestep.1": help.Man(cmd.Root()), "REFERENCE.md": help.Markdown(cmd.Root())} {
				if err := atomicfile.WriteFile(filepath.Join(args[0], name), content); err != nil {
					return err
				}
			}
			return nil
		},
	}
}
