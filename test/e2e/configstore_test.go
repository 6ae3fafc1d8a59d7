//go:build e2e && (stores || cloud)

package e2e

import (
	"bytes"
	"cmp"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"sigs.k8s.io/yaml"

	"credential-resolver/test/harness"
)

// configStoreCase is the part of a config store's test that differs between stores.
type configStoreCase struct {
	// kind is the store's type, and the name of its file in components/stores.
	kind string
	// row is the store's name in the matrix. "" means kind.
	row string
	// server is the store's running server.
	server *harness.Server
	// metadata replaces the address, the user and the secrets in the file. It is for the
	// component, which only reads.
	metadata map[string]any
	// emulator is metadata that the file does not have, because only the server of the test needs it.
	emulator map[string]any
	// writer replaces more metadata for the commands, which write.
	writer map[string]any
	// refused has, by kind of mistake, metadata that the server refuses.
	refused map[string]map[string]any
	// canaries are texts that no answer and no log may contain, in addition to the address.
	canaries []string
	// seed stores a config. Nil: our put command does.
	seed func(t *testing.T, guid, config string)
	// create creates what holds the configs, such as a table, on a server that loses its data when
	// it stops. Nil: the server keeps its data.
	create func(t *testing.T)
	// connectionless means that the server closes each connection after its answer, so that there is
	// none to wait for or to leave open.
	connectionless bool
	// cannotList means that the store cannot list its keys.
	cannotList bool
}

// The configs of the scenario.
var scenario = map[string]string{
	"multi": `{"zone":"eu","credentialSource":"agent","secret-path":"bundle","port":5.10e2,"user":"u_key",` +
		`"extra":{"b":12345678901234567890,"a":1.10,"key":"p_key"},"none":null}`,
	"single": `{"password":"one-secret","credentialSource":"agent","host":"db.example"}`,
	"direct": `{"z":1,"password":"overlaid","a":[1.0,{"b":null}]}`,
}

// The expected answers, with format=json.
var resolved = map[string]string{
	"multi": `{"zone":"eu","credentialSource":"agent","secret-path":"bundle","port":5.10e2,"user":"alice",` +
		`"extra":{"b":12345678901234567890,"a":1.10,"key":"multi-pw"},"none":null}`,
	"single": `{"password":"single-pw","credentialSource":"agent","host":"db.example"}`,
	"direct": `{"z":1,"password":"direct-pw","a":[1.0,{"b":null}]}`,
}

// run runs the scenario on the store: a real daprd, the store's own server, configs stored by
// our command, and secrets in a file.
func (c configStoreCase) run(t *testing.T) {
	t.Helper()
	s := newStores(t)
	s.secret(t, "bundle", map[string]string{"u_key": "alice", "p_key": "multi-pw"})
	s.secret(t, "one-secret", map[string]string{"value": "single-pw"})
	s.secret(t, "direct", map[string]string{"password": "direct-pw"})
	writer := c.component(t, "writer", s, c.writer)
	if c.create != nil {
		c.create(t)
	}
	c.storeAll(t, writer)
	resources := []resource{
		c.component(t, "credentials", s, map[string]any{"allowBulk": "true"}),
		c.component(t, "impatient", s, map[string]any{"storeTimeout": "2s", "requestTimeout": "1h"}),
	}
	for what, metadata := range c.refused {
		r := c.component(t, nameOf(what), s, metadata)
		r.metadata["requestTimeout"] = "3s" // a store that is refused while it connects may still recover
		resources = append(resources, r)
	}
	side := startSidecar(t, harness.ComponentOptions{}, resources...)
	t.Run("answers", func(t *testing.T) { c.answers(t, side) })
	t.Run("replaces", func(t *testing.T) { c.replaces(t, side, writer) })
	t.Run("fails", func(t *testing.T) { c.fails(t, side) })
	t.Run("lists", func(t *testing.T) { c.lists(t, side, writer) })
	if !c.connectionless {
		t.Run("leaves no connection", func(t *testing.T) {
			requireLeavesNoConnection(t, c.server.Address, func(side *sidecar) { c.answersAgain(t, side, "credentials") }, resources...)
		})
	}
	t.Run("hangs", func(t *testing.T) { c.hangs(t, side) })
	t.Run("is restarted", func(t *testing.T) { c.isRestarted(t, side, writer) })
	t.Run("starts late", func(t *testing.T) { c.startsLate(t, s, writer) })
	c.requireQuiet(t, side.component.Log())
}

// store stores a config.
func (c configStoreCase) store(t *testing.T, writer resource, guid, config string) {
	t.Helper()
	if c.seed != nil {
		c.seed(t, guid, config)
		return
	}
	putInto(t, writer, t.TempDir(), guid, config)
}

// storeAll stores the configs of the scenario.
func (c configStoreCase) storeAll(t *testing.T, writer resource) {
	t.Helper()
	for _, guid := range slices.Sorted(maps.Keys(scenario)) {
		c.store(t, writer, guid, scenario[guid])
	}
}

// component returns the Component of the store's file, changed to use the test's server.
func (c configStoreCase) component(t *testing.T, name string, s *stores, more map[string]any) resource {
	t.Helper()
	r := credentials(name, storeFile(t, c.kind))
	for field := range c.metadata {
		require.Contains(t, r.metadata, field, "components/stores/%s.yaml says what the store needs", c.kind)
	}
	maps.Copy(r.metadata, c.metadata)
	maps.Copy(r.metadata, c.emulator)
	maps.Copy(r.metadata, more)
	maps.Copy(r.metadata, map[string]any{
		"secretStore": "secretstores.local.file", "secretStore.secretsFile": s.path("secrets.json"), "secretStore.multiValued": "true",
		"allowedSecrets": "*", "deniedProbe": "error",
	})
	return r
}

// storeFile returns the metadata of a file in components/stores.
func storeFile(t *testing.T, kind string) map[string]any {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../../components/stores", kind+".yaml"))
	require.NoError(t, err)
	var file struct {
		Spec struct {
			Metadata []struct {
				Name         string
				Value        any
				SecretKeyRef struct{ Name, Key string }
			}
		}
	}
	require.NoError(t, yaml.Unmarshal(text, &file))
	metadata := map[string]any{}
	for _, m := range file.Spec.Metadata {
		metadata[m.Name] = m.Value
		if m.SecretKeyRef.Name != "" {
			metadata[m.Name] = secretKeyRef{m.SecretKeyRef.Name, m.SecretKeyRef.Key}
		}
	}
	return metadata
}

// nameOf turns a text into a Component name.
func nameOf(words string) string { return strings.ReplaceAll(words, " ", "-") }

// ask requests a credential and searches the answer for canaries.
func (c configStoreCase) ask(t *testing.T, side *sidecar, store, guid string, metadata ...string) reply {
	t.Helper()
	r := side.ask(t, store, guid, metadata...)
	c.requireQuiet(t, r.message)
	return r
}

// sees requests a credential, asserts the code, and adds the result to the matrix.
func (c configStoreCase) sees(t *testing.T, side *sidecar, failure, store, guid string, want codes.Code) {
	t.Helper()
	code := seenCode(t, c.ask(t, side, store, guid).message)
	sees(t, cmp.Or(c.row, c.kind), failure, code)
	assert.Equal(t, want.String(), code, failure)
}

func (c configStoreCase) requireQuiet(t *testing.T, text string) {
	t.Helper()
	for _, canary := range append(slices.Clone(c.canaries), c.server.Address) {
		require.NotContains(t, text, canary)
	}
}

// answers checks that the store returns exactly what was stored.
func (c configStoreCase) answers(t *testing.T, side *sidecar) {
	for guid, want := range resolved {
		r := c.ask(t, side, "credentials", guid, "format=json")
		require.Equal(t, want, r.entries["_value"], r.message)
	}
}

// replaces lets a command read and replace a config, which uses the store's etag.
func (c configStoreCase) replaces(t *testing.T, side *sidecar, writer resource) {
	if c.seed != nil { // our commands cannot write to this store
		return
	}
	c.store(t, writer, "bare", scenario["multi"])
	require.Contains(t, c.command(t, writer, "migrate", "bare"), "the new config is stored")
	require.Contains(t, c.command(t, writer, "get", "bare"), `"secretKeyRef"`)
	r := c.ask(t, side, "credentials", "bare", "format=json")
	require.Equal(t, resolved["multi"], r.entries["_value"], r.message)
	c.command(t, writer, "delete", "bare")
}

// saveHTTP stores a value with daprd's state API over HTTP.
func saveHTTP(t *testing.T, side *sidecar, key, value string) {
	t.Helper()
	body := `[{"key":"` + key + `","value":` + value + `}]`
	resp, err := http.Post(side.daprd.URL("/v1.0/state/state"), "application/json", bytes.NewBufferString(body))
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, http.StatusNoContent, resp.StatusCode)
}

// fails requests a missing config, and configs that the server refuses to return.
func (c configStoreCase) fails(t *testing.T, side *sidecar) {
	c.sees(t, side, "missing", "credentials", "nowhere", codes.NotFound)
	for _, what := range slices.Sorted(maps.Keys(c.refused)) {
		c.sees(t, side, what, nameOf(what), "multi", codes.PermissionDenied)
	}
}

// lists lists the configs with our commands and the bulk API.
func (c configStoreCase) lists(t *testing.T, side *sidecar, writer resource) {
	c.store(t, writer, "extra", `{"a":"b"}`)
	if c.cannotList {
		_, err := side.bulk(t, "credentials", nil)
		require.Error(t, err)
	} else {
		require.Equal(t, "direct\nextra\nmulti\nsingle\n", c.command(t, writer, "list"))
		all, err := side.bulk(t, "credentials", map[string]string{"format": "json"})
		require.NoError(t, err)
		require.ElementsMatch(t, []string{"direct", "extra", "multi", "single"}, slices.Collect(maps.Keys(all)))
		require.Equal(t, resolved["multi"], all["multi"]["_value"])
	}
	c.command(t, writer, "delete", "extra")
	require.Equal(t, codes.NotFound.String(), seenCode(t, c.ask(t, side, "credentials", "extra").message))
}

// command runs one of our commands on a Component and returns its output.
func (c configStoreCase) command(t *testing.T, r resource, name string, args ...string) string {
	t.Helper()
	out, err := c.tryCommand(t, r, name, args...)
	require.NoError(t, err, "%s: %s", name, out)
	return out
}

func (c configStoreCase) tryCommand(t *testing.T, r resource, name string, args ...string) (string, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "credentials.yaml")
	require.NoError(t, os.WriteFile(path, []byte(r.yaml()), 0o600))
	out, err := exec.Command(resolverBinary(t), append([]string{name, "-c", path}, args...)...).CombinedOutput()
	return string(out), err
}

// hangs makes the server accept connections without answering.
func (c configStoreCase) hangs(t *testing.T, side *sidecar) {
	c.answersAgain(t, side, "impatient")
	require.NoError(t, c.server.Hang())
	c.sees(t, side, "hangs", "impatient", "multi", codes.DeadlineExceeded) // by its storeTimeout
	require.NoError(t, c.server.Continue())
	c.answersAgain(t, side, "impatient")
}

// isRestarted stops the server while the component runs, and starts it again.
func (c configStoreCase) isRestarted(t *testing.T, side *sidecar, writer resource) {
	require.NoError(t, c.server.Stop())
	c.sees(t, side, "unreachable", "credentials", "multi", codes.Unavailable) // by no timeout, which would be DeadlineExceeded
	c.restarts(t, writer)
	c.answersAgain(t, side, "credentials")
	sees(t, cmp.Or(c.row, c.kind), "reachable again", codes.OK.String())
}

// restarts starts the server again, with the configs of the scenario.
func (c configStoreCase) restarts(t *testing.T, writer resource) {
	t.Helper()
	require.NoError(t, c.server.Restart(t.Context()))
	if c.create != nil {
		c.create(t)
		c.storeAll(t, writer)
	}
}

// answersAgain waits until the store works again, without a restart of the component.
func (c configStoreCase) answersAgain(t *testing.T, side *sidecar, store string) {
	t.Helper()
	require.EventuallyWithT(t, func(collect *assert.CollectT) {
		r, err := ask(t.Context(), side.daprd, store, "multi", "format=json")
		require.NoError(collect, err)
		require.Equal(collect, resolved["multi"], r.entries["_value"], r.message)
	}, patience, tick)
}

// startsLate starts a component while the server is down. Init must succeed, and a request must
// wait for the server.
func (c configStoreCase) startsLate(t *testing.T, s *stores, writer resource) {
	require.NoError(t, c.server.Stop())
	side := startSidecar(t, harness.ComponentOptions{},
		c.component(t, "credentials", s, nil),
		c.component(t, "hasty", s, map[string]any{"requestTimeout": "1s"}))
	c.sees(t, side, "absent at start", "hasty", "multi", codes.Unavailable)
	if c.connectionless {
		c.restarts(t, writer)
		c.answersAgain(t, side, "credentials")
		return
	}
	answer := make(chan reply, 1)
	go func() {
		r, _ := ask(t.Context(), side.daprd, "credentials", "multi", "format=json")
		answer <- r
	}()
	c.restarts(t, writer)
	r := <-answer
	require.Equal(t, resolved["multi"], r.entries["_value"], r.message)
	sees(t, cmp.Or(c.row, c.kind), "started within requestTimeout", codes.OK.String())
	c.requireQuiet(t, side.component.Log())
}
