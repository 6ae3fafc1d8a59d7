package cli

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/spf13/pflag"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"credential-resolver/component/pluggable"
)

// parsed returns the flags of a command line.
func parsed(t *testing.T, line ...string) *serveFlags {
	t.Helper()
	f := &serveFlags{}
	flags := pflag.NewFlagSet("serve", pflag.ContinueOnError)
	f.add(flags)
	require.NoError(t, flags.Parse(line))
	return f
}

func TestFlagsOfServeAreTheServersOptions(t *testing.T) {
	for name, test := range map[string]struct {
		line []string
		want pluggable.Options
	}{
		"none":   {nil, pluggable.Options{SocketMode: 0o660}},
		"mode":   {[]string{"--socket-mode", "0600"}, pluggable.Options{SocketMode: 0o600}},
		"shared": {[]string{"--shared-socket-folder"}, pluggable.Options{SocketMode: 0o660, SharedSocketFolder: true}},
		"users":  {[]string{"--allow-uid", "1000,0", "--allow-uid=4294967294"}, pluggable.Options{SocketMode: 0o660, AllowUIDs: []uint32{1000, 0, 4294967294}}},
		"daprd":  {[]string{"--single-daprd"}, pluggable.Options{SocketMode: 0o660, SingleDaprd: true}},
		"state":  {[]string{"--state-dir", "/state"}, pluggable.Options{SocketMode: 0o660, StateFolder: "/state"}},
		"disk":   {[]string{"--state-dir-on-disk"}, pluggable.Options{SocketMode: 0o660, StateOnDisk: true}},
		"delay":  {[]string{"--shutdown-delay", "1m"}, pluggable.Options{SocketMode: 0o660, ShutdownDelay: time.Minute}},
	} {
		t.Run(name, func(t *testing.T) {
			test.want.Name = product
			if test.want.AllowUIDs == nil {
				test.want.AllowUIDs = []uint32{}
			}
			got, err := parsed(t, test.line...).options()
			require.NoError(t, err)
			assert.Equal(t, test.want, got)
		})
	}
}

func TestWrongFlagsOfServeAreWrongUsage(t *testing.T) {
	for _, line := range []string{
		"--socket-mode=0", "--socket-mode=1777", "--socket-mode=rw", "--socket-mode=0800", "--shutdown-delay=-1s",
		"--allow-uid=4294967295", "--allow-uid=4294967296",
	} {
		_, err := parsed(t, line).options()
		var usage usageError
		assert.ErrorAs(t, err, &usage, line)
	}
}

func TestAKeyIsRead(t *testing.T) {
	const key = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
	for name, test := range map[string]struct {
		text string
		mode os.FileMode
		open bool
		want string // "" for a key
	}{
		"for its user alone":   {key + "\n", 0o400, false, ""},
		"between white space":  {" \t" + key + " \r\n", 0o400, false, ""},
		"for its group":        {key, 0o440, false, ""},
		"for others to read":   {key, 0o404, true, ""},
		"for others to change": {key, 0o402, true, ""},
		"a byte too many":      {"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8g", 0o400, false, "has 33 bytes, but must have 32"},
		"a byte too few":       {"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHg==", 0o400, false, "has 31 bytes, but must have 32"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "key")
			require.NoError(t, os.WriteFile(path, []byte(test.text), 0o600))
			require.NoError(t, os.Chmod(path, test.mode))
			got, open, err := readStateKey(path)
			assert.Equal(t, test.open, open)
			if test.want != "" {
				require.ErrorContains(t, err, test.want)
				return
			}
			require.NoError(t, err)
			assert.Len(t, got, pluggable.StateKeySize)
			assert.EqualValues(t, 31, got[31])
		})
	}
}
