package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"credential-resolver/component"
	"credential-resolver/resolver"
)

func newUses(o *options) *cobra.Command {
	var path, name string
	cmd := &cobra.Command{
		Use:   "uses -c COMPONENT.yaml [--store NAME] SECRET",
		Short: "Print the GUIDs of the credentials that need a secret, one per line",
		Long: "Prints the GUIDs of all credentials that need a secret, sorted, one per line: before you rotate or\n" +
			"delete it. Write the name as configs write it. A credential needs a secret if its resolution asks\n" +
			"for it: by an explicit reference, as its secret-path, by its GUID, or because a field has the name as\n" +
			"its value and is looked up. The command reads all configs, and asks no secret store.\n\n" +
			"The exit status is 0 if the answer is complete, also if it has no line. It is 1 if configs could not\n" +
			"be read or cannot be resolved. They are named on stderr, and the others are printed.",
		Example: "  credential-resolver uses -c components/credentials.yaml analytics-db",
		Args:    exactly(1),
	}
	componentFlag(cmd, &path)
	cmd.Flags().StringVar(&name, "store", "", `only the secret in this store: a name from secretStores, or "secretStore" (default: all stores)`)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if args[0] == "" {
			return usageError{errors.New("the name of the secret is empty")}
		}
		settings, err := loadSettings(path)
		if err != nil {
			return err
		}
		if cmd.Flags().Changed("store") {
			if err := checkStoreName(settings, name); err != nil {
				return err
			}
		}
		return o.withAnalysis(cmd.Context(), settings, nil, func(ctx context.Context, r *resolver.Resolver, _ *component.Stores) error {
			_, of := specOf(settings, name)
			return o.printUses(ctx, r, args[0], func(store string) bool { return name == "" || store == of })
		})
	}
	return cmd
}

// printUses prints the GUIDs of the credentials that need a secret in one of the stores.
func (o *options) printUses(ctx context.Context, r *resolver.Resolver, secret string, in func(store string) bool) error {
	broken := &incomplete{options: o}
	err := r.EachNeeds(ctx, func(guid string, needs []resolver.Need, err error) error {
		if err != nil {
			broken.add(err)
			return nil
		}
		for _, need := range needs {
			if string(need.Secret) == secret && in(need.Store) {
				_, err := fmt.Fprintln(o.Out, guid)
				return err
			}
		}
		return nil
	})
	if err != nil {
		return explained(err)
	}
	return broken.err("")
}
