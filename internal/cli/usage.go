package cli

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"credential-resolver/internal/nearest"
)

// usageError is an error in how the command was called.
type usageError struct{ error }

// Unwrap returns what is wrong.
func (e usageError) Unwrap() error { return e.error }

// helpFor returns the command line that says how a command is called.
func helpFor(cmd *cobra.Command) string {
	if cmd.Hidden || cmd.Name() == "help" {
		cmd = cmd.Root()
	}
	return cmd.CommandPath() + " --help"
}

// exactly requires n arguments.
func exactly(n int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == n {
			return nil
		}
		wanted := "no argument"
		if n > 0 {
			wanted = counted(n, "argument")
		}
		return usageError{fmt.Errorf("%s: wants %s, not %d: %s", cmd.Name(), wanted, len(args), cmd.UseLine())}
	}
}

// atMost allows n arguments or fewer.
func atMost(n int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) <= n {
			return nil
		}
		return usageError{fmt.Errorf("%s: wants at most %s, not %d: %s", cmd.Name(), counted(n, "argument"), len(args), cmd.UseLine())}
	}
}

// unknownCommand rejects arguments of the root command. Without this check, a misspelt command
// would serve.
func unknownCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	hint := ""
	near := cmd.SuggestionsFor(args[0])
	meant := nearest.Name(args[0], near)
	for _, name := range near {
		if strings.HasPrefix(name, args[0]) {
			meant = name
		}
	}
	if meant != "" {
		hint = fmt.Sprintf(", did you mean %q?", meant)
	}
	return usageError{fmt.Errorf("unknown command %q%s", args[0], hint)}
}

// checkHelpTopic makes "help" reject unknown commands. cobra's own "help" shows the root
// command for them.
func checkHelpTopic(root *cobra.Command) {
	root.InitDefaultHelpCmd()
	help, _, err := root.Find([]string{"help"})
	if err != nil || help == root {
		return
	}
	help.Short = "Print the help of a command"
	help.Args = func(_ *cobra.Command, args []string) error {
		topic, _, err := root.Find(args)
		if err != nil {
			return usageError{err}
		}
		if topic == root {
			return unknownCommand(root, args)
		}
		return nil
	}
}

// flagError turns an error in a flag into a usage error that says what the flag wants.
func flagError(cmd *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	var bare *pflag.ValueRequiredError
	var invalid *pflag.InvalidValueError
	switch {
	case errors.As(err, &unknown) && unknown.GetSpecifiedShortnames() == "":
		var names []string
		cmd.Flags().VisitAll(func(flag *pflag.Flag) {
			if !flag.Hidden {
				names = append(names, flag.Name)
			}
		})
		if name := nearest.Name(unknown.GetSpecifiedName(), names); name != "" {
			err = fmt.Errorf("%w, did you mean --%s?", err, name)
		}
	case errors.As(err, &bare):
		err = fmt.Errorf("%s needs a value", spelt(bare.GetFlag()))
	case errors.As(err, &invalid):
		if want := wantedBy(invalid.GetFlag()); want != "" {
			err = fmt.Errorf("%s must be %s, not %q", spelt(invalid.GetFlag()), want, invalid.GetValue())
		}
	}
	return usageError{err}
}

// spelt returns a flag as it is usually written.
func spelt(flag *pflag.Flag) string {
	if flag.Shorthand != "" {
		return "-" + flag.Shorthand
	}
	return "--" + flag.Name
}

// wantedBy says which values a flag takes; "" if its own error says so.
func wantedBy(flag *pflag.Flag) string {
	switch flag.Value.Type() {
	case "bool":
		return "true or false"
	case "duration":
		return "a duration with a unit, such as 5s"
	case "uint", "uintSlice", "int":
		return "a number"
	default:
		return ""
	}
}
