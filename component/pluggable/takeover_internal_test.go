package pluggable

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestSealedFilesOfEarlierVersionsOpen reads the encrypted state that earlier versions left. Each
// file must be where this version looks for it, and must have the content that it expects.
func TestSealedFilesOfEarlierVersionsOpen(t *testing.T) {
	seal, err := newSealer(testKey(1))
	require.NoError(t, err)
	versions, err := filepath.Glob("testdata/takeover/*")
	require.NoError(t, err)
	require.NotEmpty(t, versions)
	for _, folder := range versions {
		t.Run(filepath.Base(folder), func(t *testing.T) {
			open := func(root, name string) []byte {
				text, err := os.ReadFile(filepath.Join(root, name))
				require.NoError(t, err)
				plain, err := seal.open(name, text)
				require.NoError(t, err)
				return plain
			}
			records, err := filepath.Glob(filepath.Join(folder, "*.json"))
			require.NoError(t, err)
			require.Len(t, records, 1)
			name := filepath.Base(records[0])
			var r record
			require.NoError(t, json.Unmarshal(open(folder, name), &r))
			require.NoError(t, r.check(name))
			require.Equal(t, "credentials", r.Component)
			require.Equal(t, "state.sqlite", r.Properties["configStore"])

			content := (&answers{seal: seal}).contentOf(r.Kind, r.Component, r.Properties)
			for guid, has := range map[string]string{"agent": "fake-password", "direct": "fake-direct-password", "single": "fake-single-password"} {
				answer, err := decodeAnswer(open(filepath.Join(folder, answersFolder), filepath.Join(content, seal.hash("answer", guid))))
				require.NoError(t, err)
				require.Equal(t, guid, answer.Name)
				require.Contains(t, string(answer.text), has)
			}
		})
	}
}
