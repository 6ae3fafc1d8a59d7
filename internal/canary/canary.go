// Package canary holds values that tests use in place of secrets, and then search for in
// errors, logs, metrics and answers. The product does not import it.
package canary

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// The canaries consist of lower-case letters, digits and "-", which every store accepts as a
// name.
const (
	Secret    = "canary-secret-5wq8"    // a secret's value
	Literal   = "canary-literal-3hn6"   // a value of a config that may be a password
	Reference = "canary-reference-7kd2" // the name of a secret
	Path      = "canary-path-9zt4"      // a path
	Words     = "canary-words-1mv0"     // a store's own words
)

// AssertNone asserts that a text contains no canary.
func AssertNone(t testing.TB, text string) {
	t.Helper()
	for _, canary := range []string{Secret, Literal, Reference, Path, Words} {
		assert.NotContains(t, text, canary)
	}
}
