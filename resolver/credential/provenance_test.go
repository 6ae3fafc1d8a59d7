package credential_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"credential-resolver/resolver/credential"
)

// Explanations and audit lines have these words, which are documented.
func TestEachOutcomeHasAWord(t *testing.T) {
	var words []string
	for o := credential.SecretFound; o <= credential.SecretNotAName; o++ {
		words = append(words, o.String())
	}
	assert.Equal(t, []string{"found", "missing", "refused", "known-literal", "not-allowed", "not-a-name"}, words)
	assert.Empty(t, credential.Outcome(0).String())
}
