package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestNoticesNameEveryModule(t *testing.T) {
	var out strings.Builder
	require.NoError(t, run(&out, "credential-resolver"))
	for _, module := range []string{"credential-resolver: LICENSE", "go1.", "github.com/hashicorp/golang-lru/v2@", "modernc.org/sqlite@", "github.com/dapr/kit@"} {
		require.Contains(t, "\n"+out.String(), "\n"+module)
	}
	require.Contains(t, out.String(), "Mozilla Public License")
	var again strings.Builder
	require.NoError(t, run(&again, "credential-resolver"))
	require.Equal(t, out.String(), again.String(), "the image has the same digest when it is built again")
}

func TestFilesWithLicencesAndNotices(t *testing.T) {
	for name, want := range map[string]bool{
		"LICENSE": true, "LICENCE.md": true, "license.txt": true, "COPYING": true, "NOTICE": true, "NOTICES": true, "LICENSE-APACHE": true,
		"PATENTS": true, "license.go.tmpl": true, "README.md": false, "licensing_test.go": false, "main.go": false,
	} {
		require.Equal(t, want, legal.MatchString(name), name)
	}
}
