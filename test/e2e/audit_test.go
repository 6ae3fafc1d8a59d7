//go:build e2e

package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"credential-resolver/internal/canary"
	"credential-resolver/test/harness"
)

// TestAuditOutcomes makes a request of each outcome, through daprd. The audit log must have a line
// of each, and no value and no name of a secret. A restart must continue the file.
func TestAuditOutcomes(t *testing.T) {
	t.Parallel()
	s, log := auditedStores(t), newAuditLog(t)
	o := harness.ComponentOptions{Args: log.flags()}
	side := startSidecar(t, o, auditedComponents(s)...)
	o.SocketFolder = side.sockets
	hash := func(name string) string { return strings.TrimSpace(log.command(t, "hash", name)) }
	secret := func(name, store, outcome string) []auditSecret { return []auditSecret{{hash(name), store, outcome}} }
	single := []auditSecret{{hash(canary.Literal), "secretStore", "missing"}, {hash(canary.Reference), "secretStore", "found"}}

	answered := auditLine{Event: "read", Component: "credentials", Outcome: "answered", Code: "OK"}
	failed := auditLine{Event: "read", Component: "credentials", Outcome: "failed", Cache: "miss"}
	refused := auditLine{Event: "read", Component: "credentials", Outcome: "refused", Code: "PermissionDenied", Cache: "miss"}
	with := func(line auditLine, change func(*auditLine)) auditLine {
		change(&line)
		return line
	}
	for _, test := range []struct {
		store, guid string
		metadata    []string
		want        auditLine
	}{
		{"credentials", "single", nil, with(answered, func(l *auditLine) {
			l.GUID, l.Cache, l.Source, l.Mode, l.Secrets = "single", "miss", "agent", "single-key", single
		})},
		{"credentials", "single", []string{"fields=password"}, with(answered, func(l *auditLine) {
			l.GUID, l.Cache, l.Source, l.Mode, l.Secrets, l.Fields = "single", "hit", "agent", "single-key", single, []string{"password"}
		})},
		{"credentials", "single", []string{"explain=true"}, with(answered, func(l *auditLine) {
			l.GUID, l.Cache, l.Source, l.Mode, l.Secrets = "single", "hit", "agent", "single-key", single
		})},
		{"credentials", "bundle", nil, with(answered, func(l *auditLine) {
			l.GUID, l.Cache, l.Source, l.Mode, l.Secrets = "bundle", "miss", "agent", "multi-key", secret(canary.Reference, "secretStore", "found")
		})},
		{"credentials", "direct", nil, with(answered, func(l *auditLine) {
			l.GUID, l.Cache, l.Source, l.Mode, l.Secrets = "direct", "miss", "direct", "multi-key", secret("direct", "secretStore", "missing")
		})},
		{"credentials", "nowhere", nil, with(failed, func(l *auditLine) { l.GUID, l.Code = "nowhere", "NotFound" })},
		{"credentials", "nowhere", nil, with(failed, func(l *auditLine) { l.GUID, l.Code, l.Cache = "nowhere", "NotFound", "negative" })},
		{"credentials", "not.a.guid", nil, with(failed, func(l *auditLine) { l.Code, l.Cache = "InvalidArgument", "" })},
		{"credentials", "second", nil, with(failed, func(l *auditLine) {
			l.GUID, l.Code, l.Secrets = "second", "Unavailable", secret(canary.Reference, "secretStores.second", "failed")
		})},
		{"credentials", "forbidden", nil, with(refused, func(l *auditLine) {
			l.GUID, l.Secrets = "forbidden", secret("forbidden-"+canary.Reference, "", "failed")
		})},
		{"credentials", "bulk", nil, with(refused, func(l *auditLine) { l.Event, l.Cache = "bulk", "" })},
	} {
		side.ask(t, test.store, test.guid, test.metadata...)
		requireLine(t, side, log, test.want)
	}
	fingerprints := fingerprintsOf(log.lines(t))

	// A restart continues the file, with the same hashes.
	require.NoError(t, side.component.Stop())
	side.component = startComponent(t, o)
	require.Eventually(t, func() bool {
		r, err := ask(t.Context(), side.daprd, "credentials", "single")
		return err == nil && r.status == 200
	}, patience, tick)
	_, failure := side.get(t, "credentials", "bundle", "explain=true")
	require.Empty(t, failure)
	require.NoError(t, side.component.Stop())
	for guid, fingerprint := range fingerprintsOf(log.lines(t)) {
		require.Equal(t, fingerprints[guid], fingerprint, guid)
	}
	require.Contains(t, log.verify(t), " 0 lost")
	requireSecretAuditLog(t, log)
}

// TestAuditOfAllCredentialsAndOfSaving makes bulk requests, and saves through the binding.
func TestAuditOfAllCredentialsAndOfSaving(t *testing.T) {
	t.Parallel()
	s, log := auditedStores(t), newAuditLog(t)
	side := startSidecar(t, harness.ComponentOptions{Args: log.flags("--audit-required")},
		credentials("listed", s.metadata(map[string]any{"allowBulk": "true"})),
		credentials("local", map[string]any{"environment": "local", "configStore.connectionString": s.path("c.db")}),
		saving("save", map[string]any{"store": "local"}))
	all, err := side.bulk(t, "listed", map[string]string{"fields": "password"})
	require.NoError(t, err)
	guids := map[string]string{}
	for _, line := range log.lines(t) {
		if line.Bulk {
			require.Equal(t, []string{"password"}, line.Fields)
			guids[line.GUID] = line.Outcome
		}
	}
	for guid := range all {
		require.Equal(t, "answered", guids[guid], guid)
	}
	require.Equal(t, "left-out", guids["second"], "it has no second store")
	requireLine(t, side, log, auditLine{Event: "bulk", Component: "listed", Outcome: "answered", Code: "OK", Fields: []string{"password"}})

	guid, failure := side.save(t, "save", `{"operation":"create","data":{"password":"`+canary.Secret+`"}}`)
	require.Empty(t, failure)
	requireLine(t, side, log, auditLine{Event: "save", Component: "local", GUID: guid, Outcome: "answered", Code: "OK"})
	_, failure = side.save(t, "save", `{"operation":"create","data":["`+canary.Secret+`"]}`)
	require.NotEmpty(t, failure)
	requireLine(t, side, log, auditLine{Event: "save", Component: "local", Outcome: "failed", Code: "FailedPrecondition"})
	require.NoError(t, side.component.Stop())
	require.Contains(t, log.verify(t), " 0 lost")
	requireSecretAuditLog(t, log)
}

// TestAuditOfStaleAnswers takes a store away. Answers are then stale.
func TestAuditOfStaleAnswers(t *testing.T) {
	t.Parallel()
	s, log := auditedStores(t), newAuditLog(t)
	side := startSidecar(t, harness.ComponentOptions{Args: log.flags("--audit-required")},
		credentials("credentials", s.metadata(map[string]any{"cacheTTL": "100ms"})))
	r := side.ask(t, "credentials", "bundle")
	require.Equal(t, canary.Secret, r.entries["password"], r.message)
	require.NoError(t, os.Rename(s.path("secrets.json"), s.path("gone.json")))
	require.Eventually(t, func() bool {
		require.Equal(t, canary.Secret, side.ask(t, "credentials", "bundle").entries["password"])
		lines := log.lines(t)
		return lines[len(lines)-1].Cache == "stale"
	}, patience, tick)
	lines := log.lines(t)
	last := lines[len(lines)-1]
	require.Equal(t, "answered", last.Outcome)
	require.Len(t, last.Secrets, 1)
	require.Len(t, fingerprintsOf(lines), 1)
	require.NoError(t, side.component.Stop())
	log.verify(t)
}

// TestAuditOfAnotherUser calls as a user who may not call.
func TestAuditOfAnotherUser(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		t.Log("only root can start a process of another user; TestAnotherUserIsRefused has a stand-in")
		return
	}
	s, log := auditedStores(t), newAuditLog(t)
	side := startSidecar(t, harness.ComponentOptions{Args: log.flags("--socket-mode", "0666")}, auditedComponents(s)...)
	stranger := startPeer(t, filepath.Join(side.sockets, "credential-resolver.sock"), peerOptions{uid: nobody})
	require.Contains(t, stranger.init(t, credentials("credentials", s.metadata(nil))), "code = PermissionDenied")
	_, failure := stranger.get(t, "credentials", "bundle")
	require.Contains(t, failure, "code = PermissionDenied")
	require.NoError(t, side.component.Stop())
	var methods []string
	for _, line := range log.lines(t) {
		if line.Event == "refused" {
			require.Equal(t, []any{"refused", "PermissionDenied", nobody}, []any{line.Outcome, line.Code, *line.UID})
			require.Positive(t, *line.PID)
			require.NotEqual(t, side.daprd.Pid(), *line.PID)
			require.Empty(t, line.GUID, "nothing of such a call is read")
			methods = append(methods, line.Method)
		}
	}
	require.Contains(t, methods, "/dapr.proto.components.v1.SecretStore/Init")
	require.Contains(t, methods, "/dapr.proto.components.v1.SecretStore/Get")
	log.verify(t)
	requireSecretAuditLog(t, log)
}

// auditedStores returns stores with a credential for each outcome.
func auditedStores(t *testing.T) *stores {
	t.Helper()
	s := newStores(t)
	s.secret(t, canary.Reference, map[string]string{"key": canary.Secret})
	s.config(t, "single", `{"credentialSource":"agent","host":"h","user":"`+canary.Literal+`","password":"`+canary.Reference+`"}`)
	s.config(t, "bundle", `{"credentialSource":"agent","secret-path":"`+canary.Reference+`","password":"key"}`)
	s.config(t, "direct", `{"host":"h","password":"`+canary.Literal+`"}`)
	s.config(t, "forbidden", `{"credentialSource":"agent","secret-path":"forbidden-`+canary.Reference+`","password":"key"}`)
	s.config(t, "second", `{"credentialSource":"agent","secret-path":"`+canary.Reference+`","password":"key","credential-resolver":{"secretStore":"second"}}`)
	return s
}

// auditedComponents returns a Component on the stores. Its second secret store does not exist.
func auditedComponents(s *stores) []resource {
	return []resource{credentials("credentials", s.metadata(map[string]any{
		"cacheTTL": "1m", "negativeCacheTTL": "1m", "requestTimeout": "500ms", "allowedSecrets": "canary-*,direct",
		"secretStores.second": "secretstores.local.file", "secretStores.second.secretsFile": s.path("none.json"),
	}))}
}

// requireLine waits for the last line of the log to be that of a request, from this daprd. The
// fields that differ in each run are only checked to be there.
func requireLine(t *testing.T, side *sidecar, log *auditLog, want auditLine) {
	t.Helper()
	var lines []auditLine
	require.Eventually(t, func() bool {
		lines = log.lines(t)
		last := lines[len(lines)-1]
		return last.GUID == want.GUID && last.Cache == want.Cache && last.Event == want.Event && last.Outcome == want.Outcome &&
			len(last.Fields) == len(want.Fields)
	}, patience, tick, "want the line of %+v", want)
	got := lines[len(lines)-1]
	require.Equal(t, []int{os.Geteuid(), side.daprd.Pid()}, []int{*got.UID, *got.PID})
	require.Len(t, got.Instance, 8)
	require.NotNil(t, got.TookMicros)
	require.Equal(t, want.Outcome == "answered" && want.Event == "read", got.Fingerprint != "")
	got.UID, got.PID, got.Instance, got.TookMicros, got.Fingerprint = nil, nil, "", nil, ""
	require.Equal(t, want, got)
}

// fingerprintsOf returns the fingerprint of each credential, which must be the same in all lines.
func fingerprintsOf(lines []auditLine) map[string]string {
	found := map[string]string{}
	for _, line := range lines {
		if line.Fingerprint == "" {
			continue
		}
		if was, ok := found[line.GUID]; ok && was != line.Fingerprint {
			return nil
		}
		found[line.GUID] = line.Fingerprint
	}
	return found
}

// requireSecretAuditLog requires that the file has no value and no name of a secret, and that
// nobody else may read it.
func requireSecretAuditLog(t *testing.T, log *auditLog) {
	t.Helper()
	text, err := os.ReadFile(log.path)
	require.NoError(t, err)
	canary.AssertNone(t, string(text))
	for path, mode := range map[string]os.FileMode{log.path: 0o600, filepath.Dir(log.path): 0o700} {
		info, err := os.Stat(path)
		require.NoError(t, err)
		require.Equal(t, mode, info.Mode().Perm(), path)
	}
}
