package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"credential-resolver/component"
	"credential-resolver/resolver/credential"
)

func newResolve(o *options) *cobra.Command {
	var path, format string
	var explain explainFlags
	cmd := &cobra.Command{
		Use:   "resolve -c COMPONENT.yaml GUID",
		Short: "Print a finished credential: what an application gets, secrets included",
		Long: "Reads the config of a credential and its secrets, puts them together, and prints the finished credential as an\n" +
			"application gets it. The output has secrets: do not run the command where its output is kept, such as in a log.\n\n" +
			"With --explain, it prints instead where each field comes from: the secret store, the secret, and\n" +
			"why. It prints no value. Names of secrets are hashed unless --show-names is set.",
		Example: "  credential-resolver resolve -c components/credentials.yaml --format json analytics-db\n" +
			"  credential-resolver resolve -c components/credentials.yaml --explain --show-names analytics-db",
		Args: exactly(1),
	}
	componentFlag(cmd, &path)
	cmd.Flags().StringVar(&format, "format", "", `"flat" prints one text entry per field, "json" prints JSON and keeps types (default: the Component's responseFormat)`)
	flagValues(cmd, "format", "flat", "json")
	explain.add(cmd.Flags())
	flagValues(cmd, "output", "table", "json")
	flagFile(cmd, "key-file")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := checkGUID(args[0]); err != nil {
			return err
		}
		if err := explain.check(cmd.Flags()); err != nil {
			return err
		}
		settings, err := loadSettings(path)
		if err != nil {
			return err
		}
		request := map[string]string{}
		if cmd.Flags().Changed("format") {
			request["format"] = format
		}
		req, err := component.ParseRequest(args[0], request, settings.Format)
		if err != nil {
			return usageError{errors.New(`--format must be "flat" or "json"`)}
		}
		show := func(c *credential.Credential) error { return o.printCredential(c, req) }
		if explain.on {
			if show, err = o.explainer(explain); err != nil {
				return err
			}
		}
		return o.withStores(cmd.Context(), settings, func(ctx context.Context, stores *component.Stores) error {
			finished, err := o.resolver(settings, stores).Resolve(ctx, args[0])
			if err != nil {
				return explained(err)
			}
			return show(finished)
		})
	}
	return cmd
}

func (o *options) printCredential(c *credential.Credential, req component.Request) error {
	answer, err := component.Encode(c, req)
	if err != nil {
		return err
	}
	if req.Format == component.JSON {
		_, err := fmt.Fprintln(o.Out, answer[component.ValueEntry])
		return err
	}
	encoder := json.NewEncoder(o.Out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(answer)
}
