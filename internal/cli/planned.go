package cli

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// plannedCommands returns the commands whose names are reserved (DESIGN.md, section 8). Each
// one fails whatever its arguments are, and help does not list it.
func plannedCommands() []*cobra.Command {
	var commands []*cobra.Command
	for _, name := range []string{"check", "audit", "hash"} {
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

// plannedFlags reserves the names of flags (DESIGN.md, section 8). Each flag is refused, with
// or without a value, and help does not list it.
func plannedFlags(flags *pflag.FlagSet, names ...string) {
	for _, name := range names {
		flags.AddFlag(&pflag.Flag{Name: name, Usage: errPlanned.Error(), Value: plannedFlag{}, NoOptDefVal: "true", Hidden: true})
	}
}

var errPlanned = errors.New("is not supported yet")

// plannedFlag is the value of a reserved flag.
type plannedFlag struct{}

var _ pflag.Value = plannedFlag{}

// Set implements pflag.Value. It refuses any value.
func (plannedFlag) Set(string) error { return errPlanned }

// String implements pflag.Value.
func (plannedFlag) String() string { return "" }

// Type implements pflag.Value.
func (plannedFlag) Type() string { return "string" }

// flagError turns an error in a flag into a usage error.
func flagError(_ *cobra.Command, err error) error {
	var invalid *pflag.InvalidValueError
	if errors.As(err, &invalid) && errors.Is(err, errPlanned) {
		err = fmt.Errorf("--%s %w", invalid.GetFlag().Name, errPlanned)
	}
	return usageError{err}
}
