package resolver_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"

	"credential-resolver/resolver/resolvertest"
)

// wide returns a single-key config with n distinct values, and their secrets. Each value occurs
// twice, and half of the occurrences are in extra.
func wide(n int) (config string, held secrets, names []string) {
	var top, extra []string
	held = secrets{}
	for i := range n {
		name := fmt.Sprintf("name-%02d", i)
		names = append(names, name)
		held[name] = map[string]string{name: fmt.Sprintf("value-%02d", i)}
		top = append(top, fmt.Sprintf(`"top-%02d":"%s"`, i, names[(i*7)%len(names)]))
		extra = append(extra, fmt.Sprintf(`"extra-%02d":"%s"`, i, name))
	}
	return `{"credentialSource":"agent",` + strings.Join(top, ",") + `,"extra":{` + strings.Join(extra, ",") + `}}`, held, names
}

// Section 4, step 5: "at most 8 at a time".
func TestLookupsAreEightAtATime(t *testing.T) {
	for _, row := range []struct{ lookups, atATime int }{{1, 1}, {3, 3}, {8, 8}, {9, 8}, {30, 8}} {
		t.Run(fmt.Sprintf("%d lookups, %d at a time", row.lookups, row.atATime), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				config, held, names := wide(row.lookups)
				stores := resolvertest.New(t)
				stores.Configs.Put(guid, config)
				stores.Secrets.PutAll(held)
				gate := stores.Secrets.Hold()
				r := stores.Resolver()
				done := make(chan error)
				go func() {
					_, err := r.Resolve(t.Context(), guid)
					done <- err
				}()

				// When all goroutines are blocked, the maximum number of lookups runs. Each one
				// that ends starts another.
				for answered := range row.lookups {
					synctest.Wait()
					assert.Equal(t, min(row.atATime, row.lookups-answered), stores.Secrets.Running())
					gate <- struct{}{}
				}
				assert.NoError(t, <-done)
				assert.Equal(t, row.atATime, stores.Secrets.Peak())
				assert.ElementsMatch(t, names, stores.Secrets.Asked(), "each distinct value is read once")
			})
		})
	}
}

func TestConcurrentLookupsKeepTheirResults(t *testing.T) {
	config, held, _ := wide(100)
	stores := resolvertest.New(t)
	stores.Configs.Put(guid, config)
	stores.Secrets.PutAll(held)
	got := answer(t, stores.Resolver())
	assert.Equal(t, strings.ReplaceAll(config, `"name-`, `"value-`), got)
	assert.LessOrEqual(t, stores.Secrets.Peak(), 8)
}

// The limit of eight applies to each resolution. Other resolutions do not wait.
func TestResolverIsSafeForConcurrentUse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		config, held, _ := wide(8)
		stores := resolvertest.New(t)
		stores.Configs.Put(guid, config)
		stores.Secrets.PutAll(held)
		gate := stores.Secrets.Hold()
		r := stores.Resolver()
		const requests = 5
		var running sync.WaitGroup
		for range requests {
			running.Go(func() {
				credential, err := r.Resolve(t.Context(), guid)
				if assert.NoError(t, err) {
					text, err := credential.Fields.AppendJSON(nil)
					assert.NoError(t, err)
					assert.Equal(t, strings.ReplaceAll(config, `"name-`, `"value-`), string(text))
				}
			})
		}
		synctest.Wait()
		assert.Equal(t, 8*requests, stores.Secrets.Running())
		close(gate)
		running.Wait()
	})
}
