package cli

import (
	"bytes"
	"context"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// helpless are the commands of cobra itself.
var helpless = map[string]bool{"help": true}

// everyCommand returns the commands that help lists, by the words behind the product's name.
func everyCommand(t *testing.T) map[string]*cobra.Command {
	t.Helper()
	commands := map[string]*cobra.Command{}
	for _, cmd := range withChildren(newRoot("test", Streams{})) {
		name := strings.TrimPrefix(strings.TrimPrefix(cmd.CommandPath(), product), " ")
		if !cmd.Hidden && !helpless[name] {
			commands[name] = cmd
		}
	}
	require.Greater(t, len(commands), 10)
	return commands
}

// runWords runs a command whose context has ended, so that serve stops at once.
func runWords(t *testing.T, words ...string) (code int, out, errors string) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var stdout, stderr bytes.Buffer
	code = Run(ctx, "test", words, Streams{In: strings.NewReader(""), Out: &stdout, Err: &stderr})
	return code, stdout.String(), stderr.String()
}

func TestEveryCommandHasHelp(t *testing.T) {
	for name, cmd := range everyCommand(t) {
		t.Run(name, func(t *testing.T) {
			assert.Regexp(t, `^[A-Z].*[^.]$`, cmd.Short, "one line without a full stop")
			assert.LessOrEqual(t, len(cmd.Short), 100)
			assert.Regexp(t, `(?s)^[A-Z].*(\.|\n  [^\n]*)$`, cmd.Long, "sentences, or an indented block at the end")
			if !cmd.HasAvailableSubCommands() || cmd.Runnable() {
				assert.NotEmpty(t, cmd.Example)
			}
			for line := range strings.SplitSeq(cmd.Long+"\n"+cmd.Example, "\n") {
				assert.LessOrEqual(t, len(line), 125, "too long for a terminal: %s", line)
			}
			for line := range strings.SplitSeq(cmd.Example, "\n") {
				assert.Regexp(t, `^  .*\b`+product+`\b`, line, "an example is a command with two spaces before it")
			}
			cmd.LocalFlags().VisitAll(func(flag *pflag.Flag) {
				if !flag.Hidden {
					assert.Regexp(t, `^["a-z-].*[^.]$`, flag.Usage, "--%s: no sentence, and no full stop", flag.Name)
				}
			})
		})
	}
}

// TestArgumentsInUseAreKnown checks the words in Use, because completion depends on them.
func TestArgumentsInUseAreKnown(t *testing.T) {
	known := regexp.MustCompile(`^(-c|COMPONENT\.yaml|GUID|FILE\|-|FILE|SECRET|NAME|SHELL|COMMAND|ARGUMENT\.\.\.|--|--[a-z-]+|[A-Z]+|[a-z]+(\|[a-z]+)+)$`)
	for name, cmd := range everyCommand(t) {
		for _, word := range strings.Fields(cmd.Use)[1:] {
			assert.Regexp(t, known, strings.Trim(word, "[]"), name)
		}
		if cmd.Flags().Lookup("component") != nil {
			assert.Contains(t, cmd.Use, " -c COMPONENT.yaml", name)
		}
	}
}

// TestFlagsWithFixedValuesAreCompleted checks flags that have a few values, by name.
func TestFlagsWithFixedValuesAreCompleted(t *testing.T) {
	for name, cmd := range everyCommand(t) {
		for _, flag := range []string{"output", "format", "for", "log-level", "component", "dir"} {
			if found := cmd.LocalFlags().Lookup(flag); found == nil || found.Hidden {
				continue
			}
			complete, registered := cmd.GetFlagCompletionFunc(flag)
			if assert.True(t, registered, "%s --%s: call flagValues", name, flag) {
				values, directive := complete(cmd, nil, "")
				assert.True(t, len(values) > 0 || directive == cobra.ShellCompDirectiveFilterDirs, "%s --%s", name, flag)
			}
		}
	}
}

// TestNoSecretIsAnArgument checks the names of flags: a secret on a command line is visible to
// all users of the machine.
func TestNoSecretIsAnArgument(t *testing.T) {
	secret := regexp.MustCompile(`password|token|secret|credential|key|pass`)
	for name, cmd := range everyCommand(t) {
		cmd.LocalFlags().VisitAll(func(flag *pflag.Flag) {
			if secret.MatchString(flag.Name) {
				assert.True(t, strings.HasSuffix(flag.Name, "-file"), "%s --%s must take a file", name, flag.Name)
			}
		})
	}
}

func TestWrongUsageNamesTheFixAndExitsWithTwo(t *testing.T) {
	t.Setenv("DAPR_COMPONENTS_SOCKETS_FOLDER", t.TempDir())
	for name, cmd := range everyCommand(t) {
		lines := [][]string{{"--frobnicate"}, {"--log-level"}, {"--log-as-json=perhaps"}}
		if !cmd.HasAvailableSubCommands() {
			lines = append(lines, strings.Fields("a b c d e f"))
		}
		if strings.Contains(cmd.Use, "-c COMPONENT.yaml") {
			lines = append(lines, sampleArguments(cmd.Use)) // without -c
		}
		for _, line := range lines {
			words := append(strings.Fields(name), line...)
			t.Run(strings.Join(words, " "), func(t *testing.T) {
				code, out, errors := runWords(t, words...)
				assert.Equal(t, exitUsage, code)
				assert.Empty(t, out)
				assert.Equal(t, 1, strings.Count(errors, "\n"), errors)
				assert.Regexp(t, `^credential-resolver: .*\(see credential-resolver[a-z ]* --help\)\n$`, errors)
				assert.NotContains(t, errors, "strconv")
				assert.NotContains(t, errors, "arg(s)")
			})
		}
	}
}

// samples are arguments that stand for the words in the Use of commands.
var samples = map[string][]string{
	"GUID": {"analytics-db"}, "[GUID]": {"analytics-db"}, "SECRET": {"analytics-db"}, "SHELL": {"bash"},
	"TARGET": {"allowed-secrets"}, "--for": {"--for"}, "FILE|-": {"../../components/samples/crm-api.json"},
	"--": {"--"}, "COMMAND": {"credential-resolver-has-no-such-command"},
}

// sampleArguments returns arguments for a command, without -c.
func sampleArguments(use string) []string {
	var arguments []string
	for _, word := range strings.Fields(use)[1:] {
		arguments = append(arguments, samples[word]...)
	}
	return arguments
}

// plainLines returns command lines that print much, for all commands that end by themselves.
func plainLines(t *testing.T) [][]string {
	t.Helper()
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	t.Chdir("../..") // the samples name files below it
	const file = "components/credentials.yaml"
	for _, guid := range []string{"analytics-db", "crm-api", "warehouse"} {
		code, _, errors := runLive(t, "put", "-c", file, "--guid", guid, filepath.Join("components/samples", guid+".json"))
		require.Zero(t, code, errors)
	}
	lines := [][]string{{"get", "-c", file, "none"}, {"list", "-c", file, "--output", "table"}, {"frobnicate"}}
	for name, cmd := range everyCommand(t) {
		words := strings.Fields(name)
		lines = append(lines, append(words, "--help"))
		if strings.Contains(cmd.Use, "-c COMPONENT.yaml") && name != "edit" && name != "delete" {
			lines = append(lines, append(append(words, "-c", file), sampleArguments(cmd.Use)...))
		}
	}
	return lines
}

// runLive is runWords with a context that goes on.
func runLive(t *testing.T, words ...string) (code int, out, errors string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code = Run(t.Context(), "test", words, Streams{In: strings.NewReader(""), Out: &stdout, Err: &stderr})
	return code, stdout.String(), stderr.String()
}

const escape = "\x1b"

func TestOutputToAPipeHasNoColour(t *testing.T) {
	for _, line := range plainLines(t) {
		_, out, errors := runLive(t, line...)
		assert.NotContains(t, out+errors, escape, line)
	}
}
