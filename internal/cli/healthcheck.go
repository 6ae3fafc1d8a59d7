package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"credential-resolver/component/pluggable"
)

// healthTimeout is how long healthcheck waits by default: less than the second that Kubernetes gives an
// exec probe by default, so that the event of a failed probe has our text.
const healthTimeout = 900 * time.Millisecond

func newHealthcheck() *cobra.Command {
	var timeout time.Duration
	cmd := &cobra.Command{
		Use:   "healthcheck",
		Short: "Ask the running component over its socket whether it answers; exit 0 or 1",
		Long: "Asks the component that serves on credential-resolver.sock, in the folder that serve uses, whether it\n" +
			"answers. It does not ask the stores: a store that is down must not restart the component. For the exec\n" +
			"probes of a container without a shell:\n\n" +
			"    livenessProbe:\n" +
			"      exec:\n" +
			"        command: [/credential-resolver, healthcheck]",
		Example: "  credential-resolver healthcheck --timeout 2s",
		Args:    exactly(0),
	}
	cmd.Flags().DurationVar(&timeout, "timeout", healthTimeout, "how long to wait for the answer")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if timeout <= 0 {
			return usageError{fmt.Errorf("--timeout must be more than 0s: %s", timeout)}
		}
		ctx, cancel := context.WithTimeout(cmd.Context(), timeout)
		defer cancel()
		return pluggable.CheckHealth(ctx, product)
	}
	return cmd
}
