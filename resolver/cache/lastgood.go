package cache

import (
	"errors"
	"strconv"
	"time"

	"credential-resolver/resolver/credential"
)

// LastGoodStore keeps last good credentials for the next process (DESIGN.md, section 9). Its
// methods return at once, because the cache calls them under its lock.
type LastGoodStore interface {
	// Save stores a credential and replaces an earlier one of the same GUID.
	Save(kept LastGood)
	// Delete removes the credential of a GUID, which has been refused or has disappeared.
	Delete(guid string)
}

// LastGood is a credential that outlives the process, to be served stale.
type LastGood struct {
	Credential *credential.Credential
	// ForAsk tells that it is kept for [Ask.LastGood], even if StaleIfError is shorter.
	ForAsk bool
	// MaxAge is the maximum age at which it may be served. DecodeLastGood leaves it zero.
	MaxAge time.Duration
}

// The fields of an encoded LastGood.
const (
	lastGoodGUID   = "guid"
	lastGoodNewest = "newestAfter" // nanoseconds from its ReadAt until its newest part was read
	lastGoodForAsk = "forAsk"
	lastGoodFields = "fields"
)

// Size estimates the length of its encoding, in bytes.
func (l LastGood) Size() int { return len(l.Credential.GUID) + l.Credential.Fields.JSONSize() + 100 }

// Encode returns its encoding, without ReadAt and MaxAge. It fails if a string in it is not
// UTF-8.
func (l LastGood) Encode() ([]byte, error) {
	c := l.Credential
	return credential.NewObject(
		credential.Field{Name: lastGoodGUID, Value: credential.StringValue(c.GUID)},
		credential.Field{Name: lastGoodNewest, Value: credential.StringValue(strconv.FormatInt(int64(c.NewestAt.Sub(c.ReadAt)), 10))},
		credential.Field{Name: lastGoodForAsk, Value: credential.StringValue(strconv.FormatBool(l.ForAsk))},
		credential.Field{Name: lastGoodFields, Value: c.Fields.AsValue()},
	).AppendJSON(make([]byte, 0, l.Size()))
}

var errNotLastGood = errors.New("it is not a complete credential")

// DecodeLastGood decodes what Encode returned, for a credential that was read at readAt. Its
// error holds nothing of the text.
func DecodeLastGood(text []byte, readAt time.Time) (LastGood, error) {
	o, err := credential.ParseObject(text)
	if err != nil {
		return LastGood{}, errNotLastGood
	}
	get := func(name string) string {
		v, _ := o.Get(name)
		text, _ := v.Text()
		return text
	}
	guid := get(lastGoodGUID)
	newest, err := strconv.ParseInt(get(lastGoodNewest), 10, 64)
	forAsk, err2 := strconv.ParseBool(get(lastGoodForAsk))
	v, _ := o.Get(lastGoodFields)
	fields, ok := v.Object()
	if err != nil || err2 != nil || !ok || !credential.ValidGUID(guid) {
		return LastGood{}, errNotLastGood
	}
	c := &credential.Credential{GUID: guid, Fields: fields, ReadAt: readAt, NewestAt: readAt.Add(time.Duration(newest))}
	return LastGood{Credential: c, ForAsk: forAsk}, nil
}

// save hands an entry to the LastGoodStore, if it may ever be served stale.
func (c *Cache) save(guid string, e *item) {
	if c.opts.Store == nil {
		return
	}
	forAsk := e.lastGood.Load()
	if allowed := c.opts.staleness(forAsk); allowed > 0 {
		c.opts.Store.Save(LastGood{Credential: e.credential, ForAsk: forAsk, MaxAge: allowed})
	} else {
		c.opts.Store.Delete(guid)
	}
}

// unsave removes the credential of a GUID from the LastGoodStore.
func (c *Cache) unsave(guid string) {
	if c.opts.Store != nil {
		c.opts.Store.Delete(guid)
	}
}

// Restore fills a new cache with credentials from an earlier process. It drops those that are
// too old to be served stale.
func (c *Cache) Restore(all []LastGood) {
	c.writing.Lock()
	defer c.writing.Unlock()
	now := c.opts.Now()
	for _, l := range all {
		age := now.Sub(l.Credential.ReadAt)
		if age < 0 || age > c.opts.staleness(l.ForAsk) {
			c.unsave(l.Credential.GUID)
			continue
		}
		e := &item{credential: l.Credential, began: l.Credential.ReadAt, restored: true, size: weightOf(l.Credential.GUID, l.Credential)}
		e.lastGood.Store(l.ForAsk)
		e.scheduleRefresh(c.opts.TTL, nil)
		c.entries.Set(l.Credential.GUID, e)
		c.entries.SetExpiresAfter(l.Credential.GUID, max(1, c.opts.lifetime(l.ForAsk)-age))
		c.restored = append(c.restored, l.Credential.GUID)
	}
}
