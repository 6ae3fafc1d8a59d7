//go:build release

package deploy

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestReleaseIsRefused asks whether a small repository can be released.
func TestReleaseIsRefused(t *testing.T) {
	script, err := os.ReadFile("release-check.sh")
	require.NoError(t, err)
	const changelog, tag, key = "## [1.2.3] - 2026-01-31\n", "v1.2.3", "SIGNING_KEY=key"
	for name, test := range map[string]struct {
		version, changelog, tag, key, uncommitted string
		says                                      string // empty: it can be released
	}{
		"complete":                       {version: "v1.2.3", changelog: changelog, tag: tag, key: key},
		"before a release":               {version: "v1.2.3-rc.1", changelog: "## [1.2.3-rc.1]\n", tag: "v1.2.3-rc.1", key: key},
		"a commit without a tag":         {version: "c327d73", changelog: changelog, key: key, says: `"c327d73" is not of the form v1.2.3`},
		"a version without the v":        {version: "1.2.3", changelog: changelog, tag: tag, key: key, says: "is not of the form v1.2.3"},
		"another tag":                    {version: "v1.2.3", changelog: changelog, tag: "v1.2.2", key: key, says: "the tag v1.2.3 is not on this commit"},
		"no section in the changelog":    {version: "v1.2.3", changelog: "## [1.2.30]\n", tag: tag, key: key, says: `no section "## [1.2.3]"`},
		"no key":                         {version: "v1.2.3", changelog: changelog, tag: tag, key: "SIGNING_KEY=", says: "SIGNING_KEY is not set"},
		"changes that are not committed": {version: "v1.2.3", changelog: changelog, tag: tag, key: key, uncommitted: "new", says: "not committed"},
	} {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			git := func(args ...string) {
				args = append([]string{"-C", folder, "-c", "user.name=releaser", "-c", "user.email=releaser@example.com"}, args...)
				out, err := exec.Command("git", args...).CombinedOutput()
				require.NoError(t, err, string(out))
			}
			write := func(path, text string, mode os.FileMode) {
				require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(folder, path)), 0o755))
				require.NoError(t, os.WriteFile(filepath.Join(folder, path), []byte(text), mode))
			}
			write("deploy/release-check.sh", string(script), 0o755)
			write("CHANGELOG.md", test.changelog, 0o644)
			git("init", "-q")
			git("add", ".")
			git("commit", "-q", "-m", "all")
			if test.tag != "" {
				git("tag", "-a", "-m", "a release", test.tag)
			}
			if test.uncommitted != "" {
				write(test.uncommitted, "", 0o644)
			}
			cmd := exec.Command("bash", filepath.Join(folder, "deploy/release-check.sh"), test.version)
			cmd.Env = append(os.Environ(), test.key)
			out, err := cmd.CombinedOutput()
			if test.says == "" {
				require.NoError(t, err, string(out))
				return
			}
			require.Error(t, err)
			require.Contains(t, string(out), test.says)
		})
	}
}
