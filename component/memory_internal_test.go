package component

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"

	"credential-resolver/resolver/cache"
)

func TestCachesAreKeptForEachNameAndItsMetadata(t *testing.T) {
	m := newMemory()
	defer m.close()
	of := func(name, value string) *cache.Cache {
		return m.cacheOf(name, map[string]string{"configKey": value}, cache.DefaultOptions(), nil)
	}
	first := of("a", "1")
	assert.Same(t, first, of("a", "1"))
	assert.NotSame(t, first, of("b", "1"))
	assert.NotSame(t, first, of("a", "2"))
}

// A Component that is edited again and again must not take memory for each of its versions.
func TestOnlyTheLastFourCachesAreKept(t *testing.T) {
	m := newMemory()
	defer m.close()
	of := func(i int) *cache.Cache {
		return m.cacheOf("credentials", map[string]string{"configKey": fmt.Sprint(i)}, cache.DefaultOptions(), nil)
	}
	var made []*cache.Cache
	for i := range 5 {
		made = append(made, of(i))
	}
	for i := 1; i < 5; i++ {
		assert.Same(t, made[i], of(i))
	}
	assert.NotSame(t, made[0], of(0))
}
