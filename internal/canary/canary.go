// Package canary holds what tests put where a secret stands, and then look for in errors,
// logs, metrics and answers. The product does not import it.
package canary

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// The canaries. They are lower-case letters, digits and "-", which every store takes as a name.
const (
	Secret    = "canary-secret-5wq8"    // a secret's value
	Literal   = "canary-literal-3hn6"   // a value of a config that may be a password
	Reference = "canary-reference-7kd2" // the name of a secret
	Path      = "canary-path-9zt4"      // a path
	Words     = "canary-words-1mv0"     // a store's own words
)

// AssertNone asserts that a text holds no canary.
func AssertNone(t testing.TB, text string) {
	t.Helper()
	for _, canary := range []string{Secret, Literal, Reference, Path, Words} {
		assert.NotContains(t, text, canary)
	}
}
