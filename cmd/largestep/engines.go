package main

import (
	"fmt"

	"github.com/spf13/cobra"
	"largestep/cmd/internal/usage"
)

func newEngines() *cobra.Command {
	return &cobra.Command{
		Use:   "engines",
		Short: "List what this build and machine can compute on",
		Args:  usage.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			for _, b := range backends {
				for device := range max(1, b.devices()) {
					description, err := b.probe(device)
					if err != nil {
						description = "not available: " + err.Error()
					}
					if b.devices() > 1 {
						description = fmt.Sprintf("device %d: %s", device, description)
					}
					fmt.Fprintf(cmd.OutOrStdout(), "%-6s %s\n", b.name, description)
				}
			}
			return nil
		},
	}
}
