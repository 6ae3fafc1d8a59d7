//go:build shells

package shells

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"credential-resolver/test/harness"
	"credential-resolver/test/waiting"
)

// TestTabKey completes command lines in each shell. A shell may add descriptions and spaces.
func TestTabKey(t *testing.T) {
	user := newUser(t)
	for _, guid := range []string{"analytics-db", "analytics-eu", "crm"} {
		user.run(t, "sh", "-c", `echo '{}' | credential-resolver put -c credentials.yaml --guid "$1" -`, "sh", guid)
	}
	for line, want := range map[string][]string{
		"credential-resolver poli":                               {"policy"},
		"credential-resolver list --outp":                        {"--output"},
		"credential-resolver policy --for allowed-":              {"allowed-secrets"},
		"credential-resolver get -c cred":                        {"credentials.yaml"},
		"credential-resolver get -c credentials.yaml c":          {"crm"},
		"credential-resolver exec -c credentials.yaml cr":        {"crm"},
		"credential-resolver resolve -c credentials.yaml ana":    {"analytics-db", "analytics-eu"},
		"credential-resolver delete -c ./credentials.yaml ":      {"analytics-db", "analytics-eu", "crm"},
		"credential-resolver get -c credentials.yaml nothing":    nil,
		"credential-resolver get -c down.yaml ":                  nil,
		"credential-resolver get -c credentials.yaml crm ":       nil,
		"credential-resolver uses -c credentials.yaml --store s": {"secretStore"},
	} {
		t.Run(line, func(t *testing.T) {
			assert.ElementsMatch(t, want, candidates(user.run(t, "bash", "--norc", "--noprofile", user.script("bash.sh"), line)), "bash")
			assert.ElementsMatch(t, want, candidates(user.run(t, "fish", "--no-config", user.script("fish.fish"), line)), "fish")
			completed := strings.TrimSpace(user.run(t, "zsh", "-f", user.script("zsh.zsh"), line))
			assert.Equal(t, strings.TrimSpace(inZsh(line, want)), completed, "zsh")
		})
	}
}

// candidates returns the first word of each line: descriptions follow it.
func candidates(out string) []string {
	var words []string
	for line := range strings.Lines(out) {
		if fields := strings.Fields(line); len(fields) > 0 {
			words = append(words, fields[0])
		}
	}
	return words
}

// inZsh returns a command line as zsh completes it: with what all candidates begin with.
func inZsh(line string, candidates []string) string {
	if len(candidates) == 0 {
		return line
	}
	common := candidates[0]
	for _, candidate := range candidates {
		for !strings.HasPrefix(candidate, common) {
			common = common[:len(common)-1]
		}
	}
	return line[:strings.LastIndex(line, " ")+1] + common
}

// user has a home, a folder with Components and the product in the path.
type user struct {
	folder, scripts string
	env             []string
}

func newUser(t *testing.T) user {
	t.Helper()
	product, err := harness.Binary("CREDENTIAL_RESOLVER", "../..", "credential-resolver")
	require.NoError(t, err)
	scripts, err := filepath.Abs("testdata")
	require.NoError(t, err)
	u := user{folder: t.TempDir(), scripts: scripts}
	u.env = []string{
		"PATH=" + filepath.Dir(product) + ":" + os.Getenv("PATH"), "HOME=" + u.folder,
		"XDG_DATA_HOME=" + filepath.Join(u.folder, "data"), "TERM=xterm",
	}
	require.NoError(t, os.Mkdir(filepath.Join(u.folder, "data"), 0o700))
	for name, metadata := range map[string]string{
		"credentials.yaml": "[{name: secretStore, value: secretstores.local.file}, {name: secretStore.secretsFile, value: none.json}]",
		"down.yaml": "[{name: environment, value: local}, {name: configStore, value: state.redis}, " +
			"{name: configStore.redisHost, value: '127.0.0.1:1'}]",
	} {
		text := "kind: Component\nspec: {type: secretstores.credential-resolver, metadata: " + metadata + "}\n"
		require.NoError(t, os.WriteFile(filepath.Join(u.folder, name), []byte(text), 0o600))
	}
	return u
}

func (u user) script(name string) string { return filepath.Join(u.scripts, name) }

// run runs a program, which must print nothing to stderr, and returns what it prints.
func (u user) run(t *testing.T, program string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), waiting.Long)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	var errors strings.Builder
	cmd.Dir, cmd.Env, cmd.Stderr = u.folder, u.env, &errors
	out, err := cmd.Output()
	require.NoError(t, err, "%s: %s", program, &errors)
	require.Empty(t, errors.String(), program)
	return string(out)
}
