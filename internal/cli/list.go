package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"credential-resolver/component"
)

func newList(o *options) *cobra.Command {
	var path string
	cmd := &cobra.Command{
		Use:   "list -c COMPONENT.yaml",
		Short: "Print the GUIDs of all credentials in the config store, one per line",
		Long: "Prints the GUIDs of all credentials in the config store, sorted, one per line. A credential\n" +
			"is listed if its key matches the Component's configKey. The command does not check whether\n" +
			"credentials can be resolved.",
		Args: exactly(0),
	}
	componentFlag(cmd, &path)
	plannedFlags(cmd.Flags(), "output")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return o.withConfigs(cmd.Context(), path, func(ctx context.Context, configs component.Configs) error {
			guids, err := configs.List(ctx)
			if err != nil {
				return explained(err)
			}
			for _, guid := range guids {
				if _, err := fmt.Fprintln(o.Out, guid); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return cmd
}
