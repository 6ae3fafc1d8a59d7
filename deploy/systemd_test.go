package deploy

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"credential-resolver/component/pluggable"
	"credential-resolver/internal/cli"
)

const unitPath = "systemd/credential-resolver.service"

// unit reads the systemd unit: the values of each key, in order.
func unit(t *testing.T) map[string][]string {
	t.Helper()
	text, err := os.ReadFile(unitPath)
	require.NoError(t, err)
	keys := map[string][]string{}
	for line := range strings.Lines(string(text)) {
		key, value, isKey := strings.Cut(strings.TrimSpace(line), "=")
		if isKey && !strings.HasPrefix(line, "#") {
			keys[key] = append(keys[key], value)
		}
	}
	return keys
}

// serveFlags returns the flags that serve --help lists.
func serveFlags(t *testing.T) []string {
	t.Helper()
	var out, errors bytes.Buffer
	code := cli.Run(t.Context(), "test", []string{"serve", "--help"}, cli.Streams{In: strings.NewReader(""), Out: &out, Err: &errors})
	require.Zero(t, code, errors.String())
	return regexp.MustCompile(`--[a-z-]+`).FindAllString(out.String(), -1)
}

// TestUnitsFlagsExist checks the flags in the unit against those of serve.
func TestUnitsFlagsExist(t *testing.T) {
	command := strings.Fields(unit(t)["ExecStart"][0])
	require.Equal(t, "serve", command[1])
	flags := serveFlags(t)
	for _, argument := range command[2:] {
		if strings.HasPrefix(argument, "--") {
			require.Contains(t, flags, argument)
		}
	}
}

// TestUnitsFoldersAgree checks that the socket is where daprd looks, that the state is in
// memory beside it, and that the database is in its own folder.
func TestUnitsFoldersAgree(t *testing.T) {
	keys := unit(t)
	runtime := "/run/" + keys["RuntimeDirectory"][0]
	require.Contains(t, keys["Environment"], "DAPR_COMPONENTS_SOCKETS_FOLDER="+runtime)
	require.Contains(t, keys["ExecStart"][0], "--state-dir "+filepath.Join(runtime, "state"))
	require.Equal(t, []string{"yes"}, keys["RuntimeDirectoryPreserve"], "the state must survive a stop of the unit")
	require.Contains(t, keys["Environment"], "XDG_DATA_HOME=/var/lib")
	require.Equal(t, []string{"credential-resolver"}, keys["StateDirectory"], "the database's folder must be below it")

	text, err := os.ReadFile(unitPath)
	require.NoError(t, err)
	require.Contains(t, string(text), "#     Environment=DAPR_COMPONENTS_SOCKETS_FOLDER="+runtime, "the comment on daprd's unit must name the same folder")
	require.EqualValues(t, 0o660, pluggable.DefaultSocketMode, "the unit's comment states this mode")
}

// TestUnitTakesAnAuditLog checks the flags in the unit's comment: they must exist, and the file must
// be in a folder that the unit makes.
func TestUnitTakesAnAuditLog(t *testing.T) {
	text, err := os.ReadFile(unitPath)
	require.NoError(t, err)
	flags := map[string]string{}
	for _, match := range regexp.MustCompile(`(?m)^# +(--audit-[a-z-]+) (.+)$`).FindAllStringSubmatch(string(text), -1) {
		require.Contains(t, serveFlags(t), match[1])
		flags[match[1]] = match[2]
	}
	require.Len(t, flags, 2)
	require.Equal(t, "/var/log/"+unit(t)["LogsDirectory"][0], filepath.Dir(flags["--audit-log"]))
	require.Contains(t, string(text), "-m 0400 audit.key "+flags["--audit-key-file"])
}

// TestUnitIsHardened requires the keys that the unit's security depends on.
func TestUnitIsHardened(t *testing.T) {
	keys := unit(t)
	for key, want := range map[string]string{
		"LimitCORE": "0", "NoNewPrivileges": "yes", "ProtectSystem": "strict", "ProtectHome": "yes", "PrivateTmp": "yes", "PrivateMounts": "yes",
		"CapabilityBoundingSet": "", "MemoryDenyWriteExecute": "yes", "RestrictNamespaces": "yes", "NoExecPaths": "/",
		"RestrictAddressFamilies": "AF_UNIX AF_INET AF_INET6", "SystemCallArchitectures": "native",
		"UMask": "0077", "StateDirectoryMode": "0700", "RuntimeDirectoryMode": "0750", "LogsDirectoryMode": "0700",
		"Restart": "always", "RestartSec": "0", "StartLimitIntervalSec": "0",
	} {
		require.Equal(t, []string{want}, keys[key], key)
	}
	require.Equal(t, []string{"@system-service", "~@privileged @resources"}, keys["SystemCallFilter"])
	require.Equal(t, keys["ExecPaths"][0], strings.Fields(keys["ExecStart"][0])[0], "only the component may be executed")
}
