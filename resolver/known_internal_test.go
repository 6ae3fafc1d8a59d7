package resolver

import (
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
)

// The set of known secrets is bounded and evicts the least recently used name. Otherwise a
// long-lived process would grow with each new name.
func TestKnownSecretsAreBounded(t *testing.T) {
	known := NewKnown()
	for i := range maxKnown {
		known.add(strconv.Itoa(i))
	}
	assert.True(t, known.has("0"), "has makes it the most recently used")
	known.add("one more")

	assert.Equal(t, maxKnown, known.names.Len())
	assert.True(t, known.has("one more"))
	assert.True(t, known.has("0"))
	assert.False(t, known.has("1"))
}
