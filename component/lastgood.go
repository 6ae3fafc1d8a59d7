package component

import (
	"sync"

	"credential-resolver/component/pluggable"
	"credential-resolver/resolver/cache"
)

// keptCache is a cache whose last good answers survive a restart of the process.
type keptCache struct {
	*cache.Cache

	answers *pluggable.AnswerStore // nil: they do not survive
	once    sync.Once
}

// newKeptCache returns an empty cache. Without a TTL its answers do not survive a restart
// (DESIGN.md, section 9).
func newKeptCache(o cache.Options, answers *pluggable.AnswerStore) *keptCache {
	if o.TTL <= 0 {
		answers = nil
	}
	if answers != nil {
		o.Store = lastGoodStore{answers}
	}
	return &keptCache{Cache: cache.New(o), answers: answers}
}

// restore fills the cache with the answers of an earlier process, before its first use.
func (c *keptCache) restore() {
	if c.answers == nil {
		return
	}
	c.once.Do(func() {
		var all []cache.LastGood
		for _, kept := range c.answers.Load() {
			one, err := cache.DecodeLastGood(kept.Text, kept.ReadAt)
			if err != nil {
				kept.Discard(err)
				continue
			}
			all = append(all, one)
		}
		c.Restore(all)
	})
}

// lastGoodStore stores the last good credentials beside the records of the instances.
type lastGoodStore struct{ answers *pluggable.AnswerStore }

var _ cache.LastGoodStore = lastGoodStore{}

// Save implements cache.LastGoodStore.
func (s lastGoodStore) Save(kept cache.LastGood) {
	s.answers.Save(pluggable.Answer{
		Name: kept.Credential.GUID, ReadAt: kept.Credential.ReadAt, MaxAge: kept.MaxAge, Size: kept.Size(), Encode: kept.Encode,
	})
}

// Delete implements cache.LastGoodStore.
func (s lastGoodStore) Delete(guid string) { s.answers.Delete(guid) }
