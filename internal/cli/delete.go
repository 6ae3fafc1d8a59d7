package cli

import (
	"context"

	"github.com/spf13/cobra"

	"credential-resolver/backend/store"
	"credential-resolver/component"
)

func newDelete(o *options) *cobra.Command {
	var path string
	cmd := &cobra.Command{
		Use:   "delete -c COMPONENT.yaml GUID",
		Short: "Delete a credential's config, but not its secrets",
		Long: "Deletes the config of a credential from the config store. The secrets that it names stay in the secret store.\n" +
			"Applications get the credential until it leaves the component's cache, at most the Component's cacheTTL later.",
		Example: "  credential-resolver delete -c components/credentials.yaml analytics-db",
		Args:    exactly(1),
	}
	componentFlag(cmd, &path)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := checkGUID(args[0]); err != nil {
			return err
		}
		return o.withConfigs(cmd.Context(), path, func(ctx context.Context, configs component.Configs) error {
			err := configs.Delete(ctx, args[0])
			if store.Missing(err) {
				return unlisted(args[0])
			}
			return explained(err)
		})
	}
	return cmd
}
