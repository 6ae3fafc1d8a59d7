package component_test

import (
	"cmp"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/dapr/components-contrib/secretstores"

	"credential-resolver/internal/canary"
)

// agent is an agent config whose password may be a reference.
const agent = `{"credentialSource":"agent","password":"` + canary.Reference + `","extra":{"token":"` + canary.Secret + `"}}`

// failure is a request that fails, on real stores.
type failure struct {
	// prepare causes the failure before Init. It returns metadata to change.
	prepare func(w *fileStores) map[string]string
	// after causes the failure after Init.
	after func(w *fileStores, store secretstores.SecretStore)
	// guid is the requested GUID; "" means "some-guid".
	guid     string
	metadata []string
	code     codes.Code
	says     string
}

// open opens stores that fail in this way. It returns the GUID to ask for.
func (f failure) open(w *fileStores) (store secretstores.SecretStore, guid string) {
	w.secrets(`{"unrelated":{"k":"` + canary.Secret + `"}}`)
	var changed map[string]string
	if f.prepare != nil {
		changed = f.prepare(w)
	}
	store = w.open(changed)
	if f.after != nil {
		f.after(w, store)
	}
	return store, cmp.Or(f.guid, "some-guid")
}

// failures returns the rows of DESIGN.md, section 5, that real stores can cause. errors_test.go
// has the others.
func failures() map[string]failure {
	config := func(text string) func(*fileStores) map[string]string {
		return func(w *fileStores) map[string]string {
			w.config("some-guid", text)
			return nil
		}
	}
	return map[string]failure{
		"a malformed GUID":  {guid: canary.Secret + "!", code: codes.InvalidArgument, says: "credential: malformed GUID: a GUID has 1 to 128 characters of A-Z a-z 0-9 _ -"},
		"a path for a GUID": {guid: "../" + canary.Path, code: codes.InvalidArgument, says: "credential: malformed GUID"},
		"bulk for a GUID":   {guid: "bulk", code: codes.InvalidArgument, says: "credential: malformed GUID"},
		"unknown metadata":  {metadata: []string{"formt", canary.Secret}, code: codes.InvalidArgument, says: "unknown request metadata"},
		"a wrong format":    {metadata: []string{"format", canary.Secret}, code: codes.InvalidArgument, says: "metadata.format must be"},
		"an unknown field": {
			prepare: config(`{"password":"` + canary.Secret + `"}`), metadata: []string{"fields", "passwd"},
			code: codes.InvalidArgument, says: `it has no field "passwd"`,
		},
		"no such credential": {code: codes.NotFound, says: "no such credential"},
		"no such credential, but a secret of that name": {
			prepare: func(w *fileStores) map[string]string {
				w.secrets(`{"some-guid":{"k":"` + canary.Secret + `"}}`)
				return nil
			},
			code: codes.NotFound, says: "no such credential",
		},
		"no bundle": {
			prepare: config(`{"credentialSource":"agent","secret-path":"` + canary.Reference + `","a":"` + canary.Secret + `"}`),
			code:    codes.NotFound, says: `there is no secret under its "secret-path"`,
		},
		"a secret that has disappeared": {
			prepare: func(w *fileStores) map[string]string {
				w.config("some-guid", agent)
				w.secrets(`{"` + canary.Reference + `":{"value":"` + canary.Secret + `"}}`)
				return nil
			},
			after: func(w *fileStores, store secretstores.SecretStore) {
				_, err := get(store, "some-guid")
				require.NoError(w.t, err)
				w.secrets(`{}`)
			},
			code: codes.NotFound, says: "no longer exists in the secret store",
		},
		"a config that is not an object": {
			prepare: config(`["` + canary.Secret + `"]`), code: codes.FailedPrecondition, says: "its config is not a JSON object",
		},
		"a config that is not JSON": {
			prepare: config(`{"a":` + canary.Secret), code: codes.FailedPrecondition, says: "its config is not valid JSON",
		},
		"an empty config": {prepare: config(``), code: codes.FailedPrecondition, says: "its config is not"},
		"a config that is not UTF-8": {
			prepare: config(`{"a":"` + canary.Secret + "\xff" + `"}`), code: codes.FailedPrecondition, says: "its config is not valid UTF-8",
		},
		"a config that is too large": {
			prepare: config(`{"a":"` + canary.Secret + strings.Repeat("x", 1<<20) + `"}`),
			code:    codes.FailedPrecondition, says: "its config is larger than 1 MiB",
		},
		"a secret-path that is not a string": {
			prepare: config(`{"credentialSource":"agent","secret-path":["` + canary.Secret + `"]}`),
			code:    codes.FailedPrecondition, says: `its "secret-path" is neither a string nor null`,
		},
		"nothing replaced": {prepare: config(agent), code: codes.FailedPrecondition, says: "none of its fields names a secret"},
		"a secret that is not allowed": {
			prepare: func(w *fileStores) map[string]string {
				w.config("some-guid", agent)
				w.secrets(`{"` + canary.Reference + `":{"value":"` + canary.Secret + `"}}`)
				return map[string]string{"allowedSecrets": "myapp/*"}
			},
			code: codes.PermissionDenied, says: `its field "password" asks for a secret that metadata allowedSecrets does not allow`,
		},
		"a value that is not UTF-8": {
			prepare: func(w *fileStores) map[string]string {
				w.t.(*testing.T).Setenv("CANARY_some-guid", canary.Secret+"\xff")
				w.config("some-guid", `{"credentialSource":"direct"}`)
				return map[string]string{
					"secretStore": "secretstores.local.env", "secretStore.prefix": "CANARY_",
					"secretStore.secretsFile": "", "secretStore.multiValued": "",
				}
			},
			code: codes.FailedPrecondition, says: `field "some-guid" is not valid UTF-8`,
		},
		"a store that does not exist yet": {
			prepare: func(w *fileStores) map[string]string {
				w.config("some-guid", agent)
				require.NoError(w.t, os.Remove(w.file))
				return map[string]string{"requestTimeout": "50ms"}
			},
			code: codes.Unavailable, says: "the secret store is unavailable",
		},
		"a store that has disappeared": {
			prepare: config(agent),
			after:   func(w *fileStores, _ secretstores.SecretStore) { require.NoError(w.t, os.Remove(w.file)) },
			code:    codes.Unavailable, says: "the secret store is unavailable",
		},
		"a store that has become invalid": {
			prepare: config(agent),
			after:   func(w *fileStores, _ secretstores.SecretStore) { w.secrets(`{"a": ` + canary.Secret) },
			code:    codes.Unavailable, says: "the secret store is unavailable",
		},
		"a config store that fails": {
			prepare: func(w *fileStores) map[string]string {
				require.NoError(w.t, os.Mkdir(filepath.Join(w.configs, "some-guid.json"), 0o700))
				return nil
			},
			code: codes.Unavailable, says: "the config store is unavailable",
		},
		"a config store that hangs": {
			prepare: func(w *fileStores) map[string]string {
				pipe := filepath.Join(w.configs, "some-guid.json")
				require.NoError(w.t, syscall.Mkfifo(pipe, 0o600))
				w.t.Cleanup(func() { // a pending reader waits for a writer
					f, err := os.OpenFile(pipe, os.O_RDWR, 0)
					require.NoError(w.t, err)
					require.NoError(w.t, f.Close())
				})
				return map[string]string{"storeTimeout": "50ms"}
			},
			code: codes.DeadlineExceeded, says: "the config store did not answer in time",
		},
		"an answer that is too large": {
			prepare: func(w *fileStores) map[string]string {
				w.config("some-guid", `{"credentialSource":"agent","secret-path":"b","a":"l","b":"l","c":"l","d":"l"}`)
				w.secrets(`{"b":{"l":"` + canary.Secret + strings.Repeat("x", 1<<20) + `"}}`)
				return map[string]string{"requestTimeout": "1m", "storeTimeout": "1m"}
			},
			code: codes.ResourceExhausted, says: "larger than the runtime's limit of 4 MiB",
		},
	}
}

func TestAFailureSaysWhatItIsAndNothingElse(t *testing.T) {
	for name, f := range failures() {
		t.Run(name, func(t *testing.T) {
			w := newFileStores(t)
			store, guid := f.open(w)

			data, err := get(store, guid, f.metadata...)

			assert.Nil(t, data)
			require.Equal(t, f.code, status.Code(err), "%v", err)
			require.ErrorContains(t, err, f.says)
			if f.guid == "" {
				require.ErrorContains(t, err, `desc = credential "some-guid": `)
			}
			assert.Contains(t, w.log.String(), f.code.String())
			canary.AssertNone(t, err.Error())
			canary.AssertNone(t, w.log.String())
		})
	}
}
