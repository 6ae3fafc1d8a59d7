package resolver

import (
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
)

// The memory of secrets is bounded, and forgets the longest unused first: a
// process that lives long must not grow with the names that it has seen.
func TestKnownSecretsAreBounded(t *testing.T) {
	known := NewKnown()
	for i := range maxKnown {
		known.add(strconv.Itoa(i))
	}
	assert.True(t, known.has("0"), "which makes it the one used last")
	known.add("one more")

	assert.Equal(t, maxKnown, known.names.Len())
	assert.True(t, known.has("one more"))
	assert.True(t, known.has("0"))
	assert.False(t, known.has("1"))
}
