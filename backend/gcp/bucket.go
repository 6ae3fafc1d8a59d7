package gcp

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strconv"

	"github.com/dapr/kit/logger"

	"credential-resolver/backend/store"
	"credential-resolver/resolver/credential"
)

// bucketSettings are the metadata of Cloud Storage. Some of them have no effect here, because a
// config is read and written as it is stored.
type bucketSettings struct {
	Common settings `mapstructure:",squash"`

	Bucket      string `mapstructure:"bucket"`
	ContentType string `mapstructure:"contentType"`

	DecodeBase64 bool   `mapstructure:"decodeBase64"` // no effect
	EncodeBase64 bool   `mapstructure:"encodeBase64"` // no effect
	SignTTL      string `mapstructure:"signTTL"`      // no effect
}

// Bucket is bindings.gcp.bucket: one object a config, in a bucket of Cloud Storage. contrib's binding
// reads an object of any size, without its generation.
func Bucket() store.Type[store.ConfigConn] {
	return store.Type[store.ConfigConn]{
		Fields:   declared[bucketSettings](),
		Required: map[string]string{"bucket": "name the bucket that holds the configs"},
		Prepare:  prepareBucket,
		Connect:  connectBucket,
	}
}

func prepareBucket(fields map[string]string) error {
	if err := store.CheckBooleans(fields, "decodeBase64", "encodeBase64"); err != nil {
		return err
	}
	return prepare(fields)
}

// bucketConn is a connected bucket.
type bucketConn struct {
	*objectClient

	bucket      string
	contentType string // of new objects
}

var (
	_ store.ConfigConn  = (*bucketConn)(nil)
	_ store.Deleter     = (*bucketConn)(nil)
	_ store.Replacer    = (*bucketConn)(nil)
	_ store.Lister      = (*bucketConn)(nil)
	_ store.Revalidator = (*bucketConn)(nil)
)

func connectBucket(ctx context.Context, fields map[string]string, _ logger.Logger) (store.ConfigConn, error) {
	s, err := store.Decode[bucketSettings](fields)
	if err != nil {
		return nil, store.Permanent(err)
	}
	client, err := newObjectClient(ctx, s.Common)
	if err != nil {
		return nil, err
	}
	if s.ContentType == "" {
		s.ContentType = "application/json"
	}
	return &bucketConn{client, s.Bucket, s.ContentType}, nil
}

// Get reads an object.
func (c *bucketConn) Get(ctx context.Context, key string) ([]byte, error) {
	data, _, err := c.GetUnlessMatch(ctx, key, "")
	return data, err
}

// GetUnlessMatch reads an object, unless it still has the generation, which is its ETag here. It
// reads no more than is necessary to tell that an object is too large for a config.
func (c *bucketConn) GetUnlessMatch(ctx context.Context, key, generation string) ([]byte, string, error) {
	query := url.Values{"alt": {"media"}}
	if generation != "" {
		query.Set("ifGenerationNotMatch", generation)
	}
	resp, err := c.send(ctx, request{method: http.MethodGet, path: c.path(key), query: query, permission: "storage.objects.get"})
	switch {
	case generation != "" && hasStatus(err, http.StatusNotModified):
		return nil, generation, store.ErrUnchanged
	case hasStatus(err, http.StatusNotFound):
		return nil, "", c.absent(ctx, key)
	case err != nil:
		return nil, "", err
	}
	defer func() { _ = resp.Body.Close() }()
	now := resp.Header.Get("X-Goog-Generation")
	if _, err := strconv.ParseInt(now, 10, 64); err != nil { // a proxy's page has none
		return nil, "", store.Unavailable(errNotGoogle)
	}
	data, err := io.ReadAll(io.LimitReader(resp.Body, credential.MaxConfigSize+1))
	if err != nil {
		return nil, "", unanswered(ctx, &url.Error{Err: err})
	}
	return data, now, nil
}

func (c *bucketConn) path(key string) string {
	return "/storage/v1/b/" + url.PathEscape(c.bucket) + "/o/" + url.PathEscape(key)
}

// absent returns the failure of a request whose object was not found: that of a missing object, if
// the bucket lists its objects and this one is not among them. Google answers the same for a missing
// bucket, and so do proxies.
func (c *bucketConn) absent(ctx context.Context, key string) error {
	found, err := c.list(ctx, key, "", 1)
	if err != nil {
		return err
	}
	if len(found.Items) > 0 && found.Items[0].Name == key {
		return store.Unavailable(errNotGoogle) // stored meanwhile, or a wrong answer
	}
	return store.Absent()
}

// Set stores an object.
func (c *bucketConn) Set(ctx context.Context, key string, data []byte) error {
	_, err := c.put(ctx, key, data, "")
	return err
}

// put stores an object. generation is the one that the object must have; "" means any, or no
// object. refused means that it has another one.
func (c *bucketConn) put(ctx context.Context, key string, data []byte, generation string) (refused bool, err error) {
	query := url.Values{"uploadType": {"media"}, "name": {key}, "fields": {"generation"}}
	if generation != "" {
		query.Set("ifGenerationMatch", generation)
	}
	var stored struct {
		Generation string `json:"generation"`
	}
	err = c.ask(ctx, request{
		method: http.MethodPost, path: "/upload/storage/v1/b/" + url.PathEscape(c.bucket) + "/o", query: query,
		body: data, contentType: c.contentType, permission: "storage.objects.create",
	}, &stored)
	switch {
	case err == nil && stored.Generation == "":
		return false, store.Unavailable(errNotGoogle)
	case hasStatus(err, http.StatusNotFound):
		return false, store.Unavailable(errNoBucket)
	}
	return generation != "" && hasStatus(err, http.StatusPreconditionFailed), err
}

// Replace stores an object if the stored one is still old.
func (c *bucketConn) Replace(ctx context.Context, key string, old, data []byte) error {
	return store.ReplaceIfOld(old, data, func() ([]byte, string, error) {
		return c.GetUnlessMatch(ctx, key, "")
	}, func(generation string) (bool, error) {
		return c.put(ctx, key, data, generation)
	})
}

// Delete deletes an object. To delete one that does not exist succeeds.
func (c *bucketConn) Delete(ctx context.Context, key string) error {
	resp, err := c.send(ctx, request{method: http.MethodDelete, path: c.path(key), permission: "storage.objects.delete"})
	if hasStatus(err, http.StatusNotFound) {
		if err = c.absent(ctx, key); store.Missing(err) {
			return nil
		}
	}
	if err != nil {
		return err
	}
	return resp.Body.Close()
}

// listPage is how many objects are listed at a time, so that a page of the longest names is within
// the limit of an answer.
const listPage = 500

// objects is one page of a listing.
type objects struct {
	Kind  string `json:"kind"`
	Items []struct {
		Name string `json:"name"`
	} `json:"items"`
	Next string `json:"nextPageToken"`
}

// List lists one page of the objects whose names have the template's prefix.
func (c *bucketConn) List(ctx context.Context, key store.KeyTemplate, token string) (store.Page, error) {
	found, err := c.list(ctx, key.Prefix(), token, listPage)
	if err != nil {
		return store.Page{}, err
	}
	p := store.Page{Next: found.Next}
	for _, object := range found.Items {
		if guid, ok := key.GUID(object.Name); ok {
			p.GUIDs = append(p.GUIDs, guid)
		}
	}
	return p, nil
}

func (c *bucketConn) list(ctx context.Context, prefix, token string, limit int) (objects, error) {
	query := url.Values{"prefix": {prefix}, "maxResults": {strconv.Itoa(limit)}, "fields": {"kind,nextPageToken,items(name)"}}
	if token != "" {
		query.Set("pageToken", token)
	}
	var found objects
	err := c.ask(ctx, request{
		method: http.MethodGet, path: "/storage/v1/b/" + url.PathEscape(c.bucket) + "/o", query: query, permission: "storage.objects.list",
	}, &found)
	switch {
	case hasStatus(err, http.StatusNotFound):
		return objects{}, store.Unavailable(errNoBucket)
	case err == nil && found.Kind != "storage#objects":
		return objects{}, store.Unavailable(errNotGoogle)
	}
	return found, err
}
