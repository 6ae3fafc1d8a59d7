package cache_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"credential-resolver/resolver/cache"
)

func TestStateHasAWord(t *testing.T) {
	for state, want := range map[cache.State]string{
		0: "none", cache.Miss: "miss", cache.Hit: "hit", cache.Stale: "stale", cache.Negative: "negative",
	} {
		assert.Equal(t, want, state.String())
	}
}
