package azure

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"credential-resolver/backend/azure/azuretest"
	"credential-resolver/backend/store"
	"credential-resolver/backend/storetest"
	"credential-resolver/resolver/credential"
)

func TestSecretOfKeyVaultIsItsText(t *testing.T) {
	lonely(t)
	conn := connected(t, withSecret())
	for name, value := range map[string]string{
		"text": "pw", "object": `{"u":"a","n":1.50}`, "certificate": "-----BEGIN PRIVATE KEY-----\n", "empty": "", "Upper-Case-1": "é\n",
	} {
		world.Vault.Put(name, value)
		entries, err := conn.Get(t.Context(), name)
		require.NoError(t, err, "%v", errors.Unwrap(err))
		require.Equal(t, map[string]string{name: value}, entries)
	}
	_, err := conn.Get(t.Context(), "missing")
	storetest.RequireKind(t, credential.NotFound, err)
}

func TestVersionOfKeyVaultIsItsID(t *testing.T) {
	lonely(t)
	world.Vault.Put("versions", "first")
	world.Vault.Put("versions", "second")
	conn := connected(t, withSecret()).(store.Versioned)
	for version, want := range map[string]string{"": "second", azuretest.Version(1): "first", azuretest.Version(2): "second"} {
		entries, err := conn.GetVersion(t.Context(), "versions", version)
		require.NoError(t, err)
		require.Equal(t, map[string]string{"versions": want}, entries)
	}
	_, err := conn.GetVersion(t.Context(), "versions", azuretest.Version(3))
	storetest.RequireKind(t, credential.NotFound, err)
	for version, want := range map[string]error{
		azuretest.Version(1): nil, "ABCDEF" + strings.Repeat("0", 26): nil,
		"": errSecretVersion, "1": errSecretVersion, strings.Repeat("g", 32): errSecretVersion, strings.Repeat("0", 33): errSecretVersion,
	} {
		require.Equal(t, want, checkSecretVersion(version), version)
	}
}

func TestNamesOfKeyVault(t *testing.T) {
	valid := func(name string) bool { return KeyVault().ValidName(nil, name) }
	for _, name := range []string{"db", "Team-DB-2", "0", "-", strings.Repeat("x", 127)} {
		require.True(t, valid(name), name)
	}
	for _, name := range []string{"", "a_b", "a.b", "a/b", "/a", "a b", "é", "db.example.com:5432", "p$ssw0rd", strings.Repeat("x", 128), "a\n"} {
		require.False(t, valid(name), name)
	}
}

func TestNameThatKeyVaultCannotHaveIsNotSent(t *testing.T) {
	lonely(t)
	conn := connected(t, withSecret())
	for _, name := range []string{"a/b", "..", "a_b", ""} {
		_, err := conn.Get(t.Context(), name)
		storetest.RequireKind(t, credential.FailedPrecondition, err)
	}
	require.Empty(t, world.Vault.Tokens())
}

func TestVaultNameMayBeAnAddress(t *testing.T) {
	for given, want := range map[string][2]string{
		"team-vault":                                  {"team-vault", ""},
		"team-vault.vault.azure.net":                  {"team-vault", "azurepublic"},
		"https://team-vault.vault.azure.cn":           {"team-vault", "azurechina"},
		"https://team-vault.vault.usgovcloudapi.net/": {"team-vault", "azureusgovernment"},
	} {
		fields := map[string]string{"vaultName": given}
		require.NoError(t, KeyVault().Prepare(fields))
		require.Equal(t, want[0], fields["vaultName"])
		require.Equal(t, want[1], strings.TrimSuffix(fields["azureEnvironment"], "cloud"))
	}
}

func TestVaultOfAnotherCloud(t *testing.T) {
	lonely(t)
	world.Vault.Challenge(`Bearer authorization="https://login.chinacloudapi.cn/` + azuretest.Tenant + `", resource="https://vault.azure.cn"`)
	world.Vault.Put("db", "pw")
	_, err := connected(t, withSecret("azureEnvironment", "AzureChinaCloud")).Get(t.Context(), "db")
	require.NoError(t, err)
	_, _, form := world.Entra.Asked()
	require.Contains(t, form.Get("scope"), "https://vault.azure.cn/.default")
}

func TestChallengeOfAStrangerGetsNoToken(t *testing.T) {
	for name, challenge := range map[string]string{
		"another domain":   `Bearer authorization="https://login.microsoftonline.com/t", resource="https://vault.example.com"`,
		"no resource":      `Bearer authorization="https://login.microsoftonline.com/t"`,
		"no tenant":        `Bearer authorization="https://login.microsoftonline.com", resource="https://vault.azure.net"`,
		"no address":       `Bearer authorization="canary", resource="https://vault.azure.net"`,
		"a hidden word":    `authBearer orization="canary", resource="https://vault.azure.net"`,
		"another scheme":   `Basic realm="canary"`,
		"no challenge":     ``,
		"a bad resource":   `Bearer authorization="https://login.microsoftonline.com/t", resource="https://%zz"`,
		"something behind": `Bearer authorization=, resource==`,
	} {
		t.Run(name, func(t *testing.T) {
			lonely(t)
			conn := connected(t, withSecret())
			world.Vault.Challenge(challenge)
			_, err := conn.Get(t.Context(), "db")
			if name == "no challenge" {
				storetest.RequireKind(t, credential.Denied, err)
			} else {
				storetest.RequireKind(t, credential.Unavailable, err, "%v", errors.Unwrap(err))
			}
			require.NotContains(t, errors.Unwrap(err).Error(), "canary")
			for _, token := range world.Vault.Tokens() {
				require.Empty(t, token)
			}
		})
	}
}

func TestVaultThatDoesNotExist(t *testing.T) {
	lonely(t)
	conn, err := connect(t, KeyVault(), withSecret("vaultName", "other-vault"))
	require.NoError(t, err)
	_, err = conn.Get(t.Context(), "db")
	storetest.RequireKind(t, credential.Unavailable, err)
}

func TestConnectionsOfKeyVaultAreUsedAgainAndClosed(t *testing.T) {
	lonely(t)
	world.Vault.Put("db", "pw")
	addresses := map[string]bool{}
	world.Handle(azuretest.VaultHost, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		addresses[r.RemoteAddr] = true
		world.Vault.ServeHTTP(w, r)
	}))
	t.Cleanup(func() { world.Handle(azuretest.VaultHost, world.Vault) })
	conn := connected(t, withSecret())
	for range 5 {
		_, err := conn.Get(t.Context(), "db")
		require.NoError(t, err)
	}
	require.Len(t, addresses, 1)
}
