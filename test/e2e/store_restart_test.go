//go:build e2e && stores

package e2e

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"credential-resolver/test/harness"
)

const (
	restartGUID    = "restart-guid-canary-8b15"
	restartLiteral = "restart-literal-canary-8b15"
)

// restarted is a component that a test kills and starts again. It uses one daprd, a Redis with
// configs, and a Vault.
type restarted struct {
	t       *testing.T
	o       harness.ComponentOptions
	current *harness.Component
	daprd   *harness.Daprd
	vault   *vaultStore
	redis   *harness.Redis
}

// newRestarted starts all of it, with a state folder and additional arguments for the
// component.
func newRestarted(t *testing.T, state string, args ...string) *restarted {
	t.Helper()
	r := &restarted{t: t, vault: startVault(t, harness.OpenBao())}
	var err error
	r.redis, err = harness.StartRedis(t.Context(), "admin-canary-2f40", "reader on >reader-canary-6e13 ~* +ping +info +hgetall +get")
	require.NoError(t, err)
	t.Cleanup(r.redis.Remove)
	_, err = r.redis.Do(t.Context(), "HSET", restartGUID, "data",
		`{"credentialSource":"agent","secret-path":"warehouse","user":"`+restartLiteral+`","password":"password","port":5432}`, "version", "1")
	require.NoError(t, err)
	r.o = harness.ComponentOptions{
		SocketFolder: socketFolder(t), StateDir: state, Metrics: true, Args: args,
	}
	r.current = startComponent(t, r.o)
	r.daprd = startDaprd(t, r.o.SocketFolder, newResourceFolder(t, credentials("credentials", map[string]any{
		"configStore": "state.redis", "configStore.redisHost": r.redis.Address,
		"configStore.redisUsername": "reader", "configStore.redisPassword": "reader-canary-6e13",
		"secretStore": "secretstores.hashicorp.vault", "secretStore.vaultAddr": r.vault.URL(),
		"secretStore.vaultToken": r.vault.token(t, "wide"), "secretStore.vaultKVPrefix": "dapr",
		"cacheTTL": "100ms", "negativeCacheTTL": "0s",
	})))
	return r
}

// ask requests the credential until the component answers, because daprd redials with a delay.
func (r *restarted) ask() (reply reply) {
	r.t.Helper()
	require.Eventually(r.t, func() (answered bool) {
		var err error
		reply, err = ask(r.t.Context(), r.daprd, "credentials", restartGUID)
		return err == nil && !brokenConnection(reply.message)
	}, patience, tick)
	return reply
}

func (r *restarted) requireRight() {
	r.t.Helper()
	got := r.ask()
	require.Equal(r.t, map[string]string{
		"credentialSource": "agent", "secret-path": "warehouse", "user": restartLiteral, "password": vaultCanary, "port": "5432",
	}, got.entries, got.message)
}

// answers returns the paths of the stored answers.
func (r *restarted) answers() []string {
	r.t.Helper()
	paths, err := filepath.Glob(filepath.Join(r.o.StateDir, "*", "answers", "*", "*"))
	require.NoError(r.t, err)
	return paths
}

// kill kills the component and starts it again.
func (r *restarted) kill() {
	r.t.Helper()
	r.current.Kill()
	r.current = startComponent(r.t, r.o)
}

func TestStoreRestartInAnOutage(t *testing.T) {
	for name, encrypted := range map[string]bool{"in memory": false, "encrypted on a disk": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := restartedIn(t, encrypted)
			r.requireRight()
			require.Eventually(t, func() bool { return len(r.answers()) == 1 }, patience, tick)
			clear := heldInTheClear(t, r.o.StateDir, restartGUID, restartLiteral, vaultCanary, "reader-canary-6e13")
			require.Equal(t, !encrypted, clear)

			for _, hang := range []struct {
				name   string
				server *harness.Server
			}{{"Vault", r.vault.Server}, {"Redis", r.redis.Server}} {
				require.NoError(t, hang.server.Hang())
				before := time.Now()
				r.kill()
				up := time.Since(before)
				r.requireRight()
				t.Logf("%s hangs: the first right answer came %v after the kill; the socket was there after %v",
					hang.name, time.Since(before).Round(time.Millisecond), up.Round(time.Millisecond))
				require.Positive(t, metric(t, r.current.Metrics, "credential_resolver_stale_answers_total"))
				requireSaid(t, r.current.Process, "answered with the last good credential")
				require.NoError(t, hang.server.Continue())
				require.Eventually(t, func() bool {
					answered := metric(t, r.current.Metrics, "credential_resolver_stale_answers_total")
					r.requireRight()
					return metric(t, r.current.Metrics, "credential_resolver_stale_answers_total") == answered
				}, patience, 10*tick, "the store is back")
			}
		})
	}
}

// restartedIn starts all of it with a state folder that is either in memory or encrypted.
func restartedIn(t *testing.T, encrypted bool) *restarted {
	t.Helper()
	if encrypted {
		key := filepath.Join(t.TempDir(), "key")
		out, err := exec.Command("openssl", "rand", "-base64", "32").Output()
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(key, out, 0o400))
		return newRestarted(t, filepath.Join(t.TempDir(), "state"), "--state-key-file", key)
	}
	folder, err := os.MkdirTemp("/dev/shm", "cr-")
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	return newRestarted(t, folder)
}

// heldInTheClear reports whether all of the texts are in the files of a folder or in their
// names. Either all of them or none must be.
func heldInTheClear(t *testing.T, folder string, texts ...string) bool {
	t.Helper()
	var all strings.Builder
	require.NoError(t, filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		all.WriteString(path + "\n" + string(text) + "\n")
		return err
	}))
	found := 0
	for _, text := range texts {
		if strings.Contains(all.String(), text) {
			found++
		}
	}
	require.Contains(t, []int{0, len(texts)}, found)
	return found > 0
}

// TestStoreRestartAfterARefusal restarts the component during an outage, after an answer was
// refused or its secret was deleted. The old answer must not come back.
func TestStoreRestartAfterARefusal(t *testing.T) {
	for name, refuse := range map[string]func(r *restarted){
		"the secret is deleted": func(r *restarted) {
			r.vault.do(r.t, "DELETE", "secret/data/dapr/warehouse", nil)
		},
		"the policy refuses": func(r *restarted) { r.vault.policy(r.t, "wide", `path "other/*" { capabilities = ["read"] }`) },
		"the config is deleted": func(r *restarted) {
			_, err := r.redis.Do(r.t.Context(), "DEL", restartGUID)
			require.NoError(r.t, err)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := restartedIn(t, true)
			r.requireRight()
			require.Eventually(t, func() bool { return len(r.answers()) == 1 }, patience, tick)
			r.kill()
			r.requireRight()
			refuse(r)
			require.Eventually(t, func() bool { return r.ask().message != "" }, patience, 10*tick)
			require.Eventually(t, func() bool { return len(r.answers()) == 0 }, patience, tick)

			require.NoError(t, r.vault.Hang())
			require.NoError(t, r.redis.Hang())
			r.kill()
			require.Contains(t, r.ask().message, "code = ")
		})
	}
}
