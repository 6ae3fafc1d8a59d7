package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"credential-resolver/backend/store"
	"credential-resolver/component"
)

func newList(o *options) *cobra.Command {
	var path, output string
	cmd := &cobra.Command{
		Use:   "list -c COMPONENT.yaml [--output table|json|yaml]",
		Short: "Print the GUIDs of all credentials in the config store, one per line",
		Long: "Prints the GUIDs of all credentials in the config store, sorted, one per line. A credential\n" +
			"is listed if its key matches the Component's configKey. The command does not check whether\n" +
			"credentials can be resolved.\n\n" +
			"With --output, it also reads each config, and says how its secrets are found (source and mode),\n" +
			"how many fields it has, and what is wrong with it. It prints no value and no name of a secret.",
		Example: "  credential-resolver list -c components/credentials.yaml\n" +
			"  credential-resolver list -c components/credentials.yaml --output table",
		Args: exactly(0),
	}
	componentFlag(cmd, &path)
	cmd.Flags().StringVarP(&output, "output", "o", "", `"table", "json" or "yaml" (default: only the GUIDs)`)
	flagValues(cmd, "output", "table", "json", "yaml")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if !cmd.Flags().Changed("output") {
			return o.withConfigs(cmd.Context(), path, o.listGUIDs)
		}
		if rows[output] == nil {
			return usageError{errors.New(`--output must be "table", "json" or "yaml"`)}
		}
		return o.withAllConfigs(cmd.Context(), path, func(ctx context.Context, configs component.Configs) error {
			return o.listRows(ctx, configs, rows[output])
		})
	}
	return cmd
}

func (o *options) listGUIDs(ctx context.Context, configs component.Configs) error {
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
}

// listRows prints a row for each config. It reads one config at a time, and prints its row at once.
// A config that is deleted meanwhile has no row.
func (o *options) listRows(ctx context.Context, configs component.Configs, newWriter newRowWriter) error {
	guids, err := configs.List(ctx)
	if err != nil {
		return explained(err)
	}
	w := newWriter(o.Out, guids)
	for _, guid := range guids {
		config, err := configs.Config(ctx, guid)
		if store.Missing(err) {
			continue
		}
		if err != nil {
			return fmt.Errorf("credential %q: %w", guid, explained(err))
		}
		if err := w.write(rowOf(guid, config)); err != nil {
			return err
		}
	}
	return w.end()
}
