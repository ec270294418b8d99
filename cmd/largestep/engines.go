package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

func newEngines() *cobra.Command {
	return &cobra.Command{
		Use:   "engines",
		Short: "List what this build and machine can compute on",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			for _, b := range backends {
				device, err := b.probe()
				if err != nil {
					device = "not available: " + err.Error()
				}
				fmt.Fprintf(cmd.OutOrStdout(), "%-6s %s\n", b.name, device)
			}
			return nil
		},
	}
}
