package backend_test

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"credential-resolver/backend"
	"credential-resolver/resolver/credential"
)

const localFile = "secretstores.local.file"

// nestedSecrets has a secret of each shape.
const nestedSecrets = `{
	"plain": "p",
	"empty": "",
	"database": {"user": "u", "password": "s3cret", "tls": {"cert": "c", "keys": ["k0", "k1"]}}
}`

func TestSecretsFile(t *testing.T) {
	tests := map[string]struct {
		fields  fields
		secrets map[string]fields
		missing []string
	}{
		"is flat without multiValued": {
			fields: nil,
			secrets: map[string]fields{
				"plain":               {"plain": "p"},
				"empty":               {"empty": ""},
				"database:user":       {"database:user": "u"},
				"database:tls:cert":   {"database:tls:cert": "c"},
				"database:tls:keys:1": {"database:tls:keys:1": "k1"},
			},
			missing: []string{"database", "database:tls", "user", "Plain", ""},
		},
		"joins names by the given separator": {
			fields: fields{"nestedSeparator": "/"},
			secrets: map[string]fields{
				"database/user":       {"database/user": "u"},
				"database/tls/keys/0": {"database/tls/keys/0": "k0"},
			},
			missing: []string{"database:user"},
		},
		"has several values per secret with multiValued": {
			fields: fields{"multiValued": "true"},
			secrets: map[string]fields{
				"plain": {"plain": "p"},
				"database": {
					"user": "u", "password": "s3cret", "tls:cert": "c", "tls:keys:0": "k0", "tls:keys:1": "k1",
				},
			},
			missing: []string{"database:user", "user"},
		},
		"multiValued joins nested names by the separator": {
			fields: fields{"MULTIVALUED": "1", "nestedseparator": "--"},
			secrets: map[string]fields{
				"database": {
					"user": "u", "password": "s3cret", "tls--cert": "c", "tls--keys--0": "k0", "tls--keys--1": "k1",
				},
			},
			missing: []string{"database--user"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			f := fields{"secretsFile": tempFile(t, "secrets.json", nestedSecrets)}
			for n, v := range test.fields {
				f[n] = v
			}
			store := openSecrets(t, localFile, f)
			for secret, want := range test.secrets {
				got, err := store.Secret(within(t), secret)
				require.NoError(t, err, secret)
				require.Equal(t, want, got)
			}
			for _, secret := range test.missing {
				_, err := store.Secret(within(t), secret)
				requireKind(t, credential.NotFound, err)
			}
		})
	}
}

func TestSecretsFileMayHaveNoSecrets(t *testing.T) {
	for _, multiValued := range []string{"true", "false"} {
		store := openSecrets(t, localFile, fields{
			"secretsFile": tempFile(t, "secrets.json", "{}\n"), "multiValued": multiValued,
		})
		_, err := store.Secret(within(t), "a")
		requireKind(t, credential.NotFound, err)
	}
}

func TestSecretOfTheFileMayHaveNoEntries(t *testing.T) {
	store := openSecrets(t, localFile, fields{
		"secretsFile": tempFile(t, "secrets.json", `{"a":{}}`), "multiValued": "true",
	})
	got, err := store.Secret(within(t), "a")
	require.NoError(t, err)
	require.Empty(t, got)
}

func TestSecretsFileThatIsMissingAtTheStartIsConnectedLater(t *testing.T) {
	path := tempFile(t, "secrets.json", "") + ".later"
	store := openSecrets(t, localFile, fields{"secretsFile": path})
	_, err := store.Secret(brief(t), "a")
	requireKind(t, credential.Unavailable, err)

	replaceFile(t, path, `{"a":"b"}`)
	require.Eventually(t, func() bool {
		got, err := store.Secret(within(t), "a")
		return err == nil && got["a"] == "b"
	}, long, tick)
}

func TestCommandDoesNotWaitForASecretsFileThatIsMissing(t *testing.T) {
	opts := silent(t)
	opts.FailFast = true
	_, err := backend.OpenSecretStore(within(t),
		secretSpec(localFile, fields{"secretsFile": t.TempDir() + "/mistyped.json"}), opts)
	require.ErrorContains(t, err, "secretStore (secretstores.local.file)")
	require.ErrorContains(t, err, "no such file or directory")
}

func TestSecretsFileHasAnyNames(t *testing.T) {
	store := openSecrets(t, localFile, fields{"secretsFile": tempFile(t, "secrets.json", "{}")})
	for _, name := range []string{"a", "a/b", "A:b", "", "ключ"} {
		require.True(t, store.ValidName(name))
	}
	require.False(t, store.LeadingSlash())
}

func TestSecretsFileMayBeALink(t *testing.T) {
	path := tempFile(t, "secrets.json", `{"a":"b"}`)
	link := path + ".link"
	require.NoError(t, os.Symlink(path, link))
	store := openSecrets(t, localFile, fields{"secretsFile": link})
	got, err := store.Secret(within(t), "a")
	require.NoError(t, err)
	require.Equal(t, fields{"a": "b"}, got)

	// The kubelet also replaces the link and does not write to a file.
	other := tempFile(t, "other.json", `{"a":"c"}`)
	require.NoError(t, os.Symlink(other, link+".next"))
	require.NoError(t, os.Rename(link+".next", link))
	got, err = store.Secret(within(t), "a")
	require.NoError(t, err)
	require.Equal(t, fields{"a": "c"}, got)
}
