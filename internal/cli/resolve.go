package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"credential-resolver/component"
)

func newResolve(o *options) *cobra.Command {
	var path, format string
	cmd := &cobra.Command{
		Use:   "resolve -c COMPONENT.yaml GUID",
		Short: "Print a finished credential: what an application gets, secrets included",
		Args:  exactly(1),
	}
	componentFlag(cmd, &path)
	cmd.Flags().StringVar(&format, "format", "", `"flat" prints one text entry per field, "json" prints JSON and keeps types (default: the Component's responseFormat)`)
	plannedFlags(cmd.Flags(), "explain", "show-names", "output")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := checkGUID(args[0]); err != nil {
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
		return o.withStores(cmd.Context(), settings, func(ctx context.Context, stores *component.Stores) error {
			credential, err := o.resolver(settings, stores).Resolve(ctx, args[0])
			if err != nil {
				return explained(err)
			}
			answer, err := component.Encode(credential, req)
			if err != nil {
				return err
			}
			return o.printAnswer(answer, req.Format)
		})
	}
	return cmd
}

func (o *options) printAnswer(answer map[string]string, format component.Format) error {
	if format == component.JSON {
		_, err := fmt.Fprintln(o.Out, answer[component.ValueEntry])
		return err
	}
	encoder := json.NewEncoder(o.Out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(answer)
}
