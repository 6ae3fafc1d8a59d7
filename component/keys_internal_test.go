package component

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestTheKeyOfAnInstance(t *testing.T) {
	keys := newInstanceKeys()
	assert.Equal(t, keys.of("a"), keys.of("a"), "one that is initialised again")
	assert.NotEqual(t, keys.of("a"), keys.of("b"))
	assert.NotEqual(t, keys.of(""), keys.of(""), "instances that cannot be told apart")
	assert.NotEqual(t, keys.of("a"), newInstanceKeys().of("a"), "another process draws a secret of its own")
}
