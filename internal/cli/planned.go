package cli

import (
	"fmt"

	"github.com/spf13/cobra"
)

// plannedCommands are the commands whose names are reserved (DESIGN.md, section
// 8): each refuses whatever it is given, and help does not list it.
func plannedCommands() []*cobra.Command {
	var commands []*cobra.Command
	for _, name := range []string{"edit", "check", "audit"} {
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
