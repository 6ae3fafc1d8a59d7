package cli

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write docs/cli.md")

// TestCommandsAreDocumented compares docs/cli.md with the commands, or with -update writes it.
func TestCommandsAreDocumented(t *testing.T) {
	const path = "../../docs/cli.md"
	want := commandLineDocument(newRoot("test", Streams{}))
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(want), 0o644))
	}
	got, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, want, string(got), "make docs writes it")
}

// commandLineDocument returns docs/cli.md: all that help says, for each command that help lists.
func commandLineDocument(root *cobra.Command) string {
	var out strings.Builder
	out.WriteString("<!-- written by make docs, from the help of the commands: change that -->\n\n# Command line\n\n")
	out.WriteString("This page is the help of the commands (`TestCommandsAreDocumented`).\n\n")
	out.WriteString(paragraphs(root.Long) + examples(root))
	out.WriteString("A failure prints one line to stderr, which says what failed and how to repair it. `completion` lets the Tab key\n" +
		"complete commands, flags and GUIDs.\n\n")
	out.WriteString("## Commands\n\n| command | what it does |\n|---|---|\n")
	commands := documented(root)
	for _, cmd := range commands {
		fmt.Fprintf(&out, "| [`%s`](#%s) | %s |\n", nameOf(cmd), anchorOf(cmd), inTable(cmd.Short))
	}
	out.WriteString("\n## Flags of every command\n\n" + flagTable(root.PersistentFlags()))
	for _, cmd := range commands {
		fmt.Fprintf(&out, "\n## %s\n\n%s.\n\n```text\n%s\n```\n\n", nameOf(cmd), cmd.Short, cmd.UseLine())
		out.WriteString(paragraphs(cmd.Long) + examples(cmd) + flagTable(cmd.LocalNonPersistentFlags()))
	}
	return strings.TrimRight(out.String(), "\n") + "\n"
}

// documented returns the commands below root that help lists, in the order of help, and those
// below them.
func documented(root *cobra.Command) []*cobra.Command {
	var commands []*cobra.Command
	for _, group := range append(root.Groups(), &cobra.Group{}) {
		for _, cmd := range root.Commands() {
			if cmd.IsAvailableCommand() && cmd.GroupID == group.ID {
				commands = append(append(commands, cmd), documented(cmd)...)
			}
		}
	}
	return commands
}

func nameOf(cmd *cobra.Command) string { return strings.TrimPrefix(cmd.CommandPath(), product+" ") }

func anchorOf(cmd *cobra.Command) string { return strings.ReplaceAll(nameOf(cmd), " ", "-") }

// paragraphs returns a text of a command in Markdown. Indented lines become a block of text.
func paragraphs(text string) string {
	var out strings.Builder
	for paragraph := range strings.SplitSeq(text, "\n\n") {
		switch {
		case paragraph == "":
		case strings.HasPrefix(paragraph, "  "):
			out.WriteString("```text\n" + paragraph + "\n```\n\n")
		default:
			out.WriteString(strings.NewReplacer("<", "&lt;", "*", `\*`, "_", `\_`).Replace(paragraph) + "\n\n")
		}
	}
	return out.String()
}

// examples returns the examples of a command, as commands of a shell.
func examples(cmd *cobra.Command) string {
	if cmd.Example == "" {
		return ""
	}
	return "```sh\n" + strings.TrimPrefix(strings.ReplaceAll(cmd.Example, "\n  ", "\n"), "  ") + "\n```\n\n"
}

// flagTable returns a table of the flags that help lists; "" for none.
func flagTable(flags *pflag.FlagSet) string {
	var rows strings.Builder
	flags.VisitAll(func(flag *pflag.Flag) {
		if flag.Hidden || flag.Name == "help" || flag.Name == "version" {
			return
		}
		name := "`--" + flag.Name + "`"
		if flag.Shorthand != "" {
			name = "`-" + flag.Shorthand + "`, " + name
		}
		value := ""
		switch {
		case flag.Value.Type() == "bool":
			value = map[string]string{"true": "on", "false": "off"}[flag.DefValue]
		case flag.DefValue != "":
			value = "`" + flag.DefValue + "`"
		}
		usage := strings.TrimSuffix(flag.Usage, " (default "+flag.DefValue+")") // it has a column of its own
		fmt.Fprintf(&rows, "| %s | %s | %s |\n", name, value, inTable(usage))
	})
	if rows.Len() == 0 {
		return ""
	}
	return "| flag | default | meaning |\n|---|---|---|\n" + rows.String()
}

// inTable returns a text for a cell of a table.
func inTable(text string) string {
	return strings.NewReplacer("|", `\|`, "<", "&lt;", "_", `\_`).Replace(text)
}
