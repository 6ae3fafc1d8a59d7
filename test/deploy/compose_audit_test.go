//go:build deploy

package deploy

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestComposeAuditLogIsWritten runs the services with the Compose file that adds an audit log. The
// folder and the key are those of user 65532, as its comment says.
func TestComposeAuditLogIsWritten(t *testing.T) {
	require.Zero(t, os.Getuid(), "only root may make files of other users")
	folder := t.TempDir()
	require.NoError(t, os.CopyFS(folder, os.DirFS(filepath.Dir(composeFile))))
	logs, key := filepath.Join(folder, "logs"), filepath.Join(folder, "audit.key")
	require.NoError(t, os.Mkdir(logs, 0o700))
	require.NoError(t, os.WriteFile(key, []byte(strings.Repeat("a", 44)), 0o400))
	for _, path := range []string{logs, key} {
		require.NoError(t, os.Chown(path, 65532, 65532))
	}
	file := filepath.Join(folder, "audit.yaml")
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	changed := strings.NewReplacer("source: /var/log/credential-resolver", "source: "+logs, "/etc/credential-resolver/audit.key", key).Replace(string(text))
	require.NoError(t, os.WriteFile(file, []byte(changed), 0o600))

	p, err := load(t, filepath.Join(folder, filepath.Base(composeFile)), file)
	require.NoError(t, err)
	plain, err := load(t, composeFile)
	require.NoError(t, err)
	require.Subset(t, p.Services["credential-resolver"].Command, plain.Services["credential-resolver"].Command, "audit.yaml must have each argument of compose.yaml")
	s := newStack(t, p)
	require.NoError(t, s.up(t))
	require.NoError(t, s.stop("daprd"))
	require.NoError(t, s.stop("credential-resolver"))

	log := filepath.Join(logs, "audit.log")
	out, err := exec.CommandContext(t.Context(), binary(t, "credential-resolver"), "audit", "verify", "--key-file", key, log).CombinedOutput()
	require.NoError(t, err, "%s", out)
	text, err = os.ReadFile(log)
	require.NoError(t, err)
	require.Contains(t, string(text), `"guid":"orders-db","outcome":"answered"`)
}
