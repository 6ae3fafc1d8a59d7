package cli

import (
	"fmt"

	"github.com/spf13/cobra"
)

// plannedCommands returns the commands whose names are reserved (DESIGN.md, section 8). Each
// one fails whatever its arguments are, and help does not list it.
func plannedCommands() []*cobra.Command {
	var commands []*cobra.Command
	for _, name := range []string{"check"} {
		err := fmt.Errorf("%q is not supported yet", name)
		commands = append(commands, &cobra.Command{
			Use:                name,
			Short:              err.Error(),
			Hidden:             true,
			DisableFlagParsing: true,
			RunE:               func(*cobra.Command, []string) error { return usageError{err} },
		})
	}
	return commands
}
