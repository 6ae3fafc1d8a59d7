//go:build docs

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"credential-resolver/test/harness"
)

// TestPicturesShowWhatCommandsPrint runs each scene, and compares what the terminal shows with the
// text of its picture.
func TestPicturesShowWhatCommandsPrint(t *testing.T) {
	product, err := harness.Binary("CREDENTIAL_RESOLVER", "../..", "credential-resolver")
	require.NoError(t, err)
	for _, s := range scenes {
		t.Run(s.name, func(t *testing.T) {
			shown, err := record(t.Context(), s, filepath.Dir(product))
			require.NoError(t, err)
			svg, err := os.ReadFile(filepath.Join("../../docs", s.name+".svg"))
			require.NoError(t, err)
			require.Equal(t, strings.TrimRight(plain(shown), "\n")+"\n", described(t, string(svg)), "make pictures draws it again")
		})
	}
}
