package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
)

// shells are the shells that can complete command lines.
var shells = []string{"bash", "zsh", "fish", "powershell"}

func newCompletion(o *options) *cobra.Command {
	return &cobra.Command{
		Use:   "completion SHELL",
		Short: "Print a script that makes the Tab key complete commands, for bash, zsh, fish or powershell",
		Long: "Prints a script for bash, zsh, fish or powershell. With it, the Tab key completes commands, flags, values of flags and\n" +
			"GUIDs. To complete a GUID, it asks the config store of the Component in -c, for at most 2 s. It never asks a secret\n" +
			"store. If the config store does not answer, it completes nothing.\n\n" +
			"To load the script into the shell that is running, and to load it into every new shell:\n\n" +
			"  bash        source <(credential-resolver completion bash)\n" +
			"              credential-resolver completion bash > ~/.local/share/bash-completion/completions/credential-resolver\n" +
			"  zsh         source <(credential-resolver completion zsh)\n" +
			"              credential-resolver completion zsh > \"${fpath[1]}/_credential-resolver\"\n" +
			"  fish        credential-resolver completion fish | source\n" +
			"              credential-resolver completion fish > ~/.config/fish/completions/credential-resolver.fish\n" +
			"  powershell  credential-resolver completion powershell | Out-String | Invoke-Expression\n\n" +
			"The script for bash needs the package bash-completion. The script for zsh needs \"autoload -U compinit; compinit\" in\n" +
			"~/.zshrc. For powershell, add the command to your profile.",
		Example:   "  source <(credential-resolver completion bash)",
		Args:      exactly(1),
		ValidArgs: shells,
		RunE: func(cmd *cobra.Command, args []string) error {
			return printCompletion(cmd.Root(), args[0], o.Out)
		},
	}
}

// printCompletion prints the script for a shell.
func printCompletion(root *cobra.Command, shell string, out io.Writer) error {
	switch shell {
	case "bash":
		return root.GenBashCompletionV2(out, true)
	case "zsh":
		return root.GenZshCompletion(out)
	case "fish":
		return root.GenFishCompletion(out, true)
	case "powershell":
		return root.GenPowerShellCompletionWithDesc(out)
	default:
		return usageError{fmt.Errorf("the shell must be one of: %s", strings.Join(shells, ", "))}
	}
}
