package configfile_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"credential-resolver/internal/configfile"
)

func TestYAMLThatWouldLoseSomethingIsRefused(t *testing.T) {
	for name, text := range map[string]string{
		"a duplicate name":                  "a: 1\nb: 2\na: 3",
		"a nested duplicate name":           "x: {a: 1, a: 2}",
		"a second document":                 "a: 1\n---\nb: 2",
		"a number that YAML reads as octal": "account: 0123", // becomes 83
	} {
		t.Run(name, func(t *testing.T) {
			got, err := configfile.JSON("config.yaml", []byte(text))
			require.Error(t, err, "%s", got)
		})
	}
}
