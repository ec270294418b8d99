package main

import (
	"fmt"

	"github.com/spf13/cobra"
	"largestep/cmd/internal/advice"
	"largestep/cmd/internal/usage"
	"largestep/train/machine/engines"
)

func newEngines() *cobra.Command {
	return &cobra.Command{
		Use:   "engines",
		Short: "List what this build and machine can compute on",
		Args:  usage.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			for _, e := range engines.All {
				for device := range max(1, e.Devices()) {
					description, err := e.Probe(device)
					if err != nil {
						description = "not available: " + advice.Add(err).Error()
					}
					if e.Devices() > 1 {
						description = fmt.Sprintf("device %d: %s", device, description)
					}
					fmt.Fprintf(cmd.OutOrStdout(), "%-6s %s\n", e.Name, description)
				}
			}
			return nil
		},
	}
}
