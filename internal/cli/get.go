package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"credential-resolver/backend/store"
	"credential-resolver/component"
)

func newGet(o *options) *cobra.Command {
	var path string
	cmd := &cobra.Command{
		Use:   "get -c COMPONENT.yaml GUID",
		Short: "Print a credential's config as it is stored: references, not secrets",
		Long: "Prints the config of a credential as it is stored, byte for byte. It has the names of secrets, not the secrets:\n" +
			"\"resolve\" prints the finished credential.",
		Example: "  credential-resolver get -c components/credentials.yaml analytics-db",
		Args:    exactly(1),
	}
	componentFlag(cmd, &path)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := checkGUID(args[0]); err != nil {
			return err
		}
		return o.withConfigs(cmd.Context(), path, func(ctx context.Context, configs component.Configs) error {
			config, err := configs.Config(ctx, args[0])
			if store.Missing(err) {
				return fmt.Errorf(`credential %q: no such credential in the config store: store it with "put"`, args[0])
			}
			if err != nil {
				return explained(err)
			}
			_, err = o.Out.Write(config)
			return err
		})
	}
	return cmd
}
