package component

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"credential-resolver/resolver/credential"
)

func TestTheKeyOfAnInstance(t *testing.T) {
	keys := newInstanceKeys(nil)
	assert.Equal(t, keys.of("a").key, keys.of("a").key, "one that is initialised again")
	assert.NotEqual(t, keys.of("a").key, keys.of("b").key)
	assert.NotEqual(t, keys.of("").key, keys.of("").key, "instances that cannot be told apart")
	assert.NotEqual(t, keys.of("a").key, newInstanceKeys(nil).of("a").key, "another process draws a secret of its own")
}

func TestNamesAreHashedWithTheKeyOfTheAuditLog(t *testing.T) {
	keys := newInstanceKeys(func(ref credential.Reference) string { return "hash of " + string(ref) })
	assert.Equal(t, "hash of name", keys.of("a").hash("name"))
	assert.NotEqual(t, newInstanceKeys(nil).of("a").hash("name"), newInstanceKeys(nil).of("a").hash("name"))
}
