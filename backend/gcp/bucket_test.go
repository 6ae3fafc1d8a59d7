package gcp

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"credential-resolver/backend/store"
	"credential-resolver/backend/storetest"
	"credential-resolver/resolver/credential"
)

// bucket is the bucket "configs" of Cloud Storage with one object, whose generation is its number.
type bucket struct {
	URL   string
	conns *storetest.ConnCount

	mu         sync.Mutex
	name, data string
	generation int
	sent       int // bytes of objects that were sent
	asked      []string
	header     http.Header // of the last request
	intervene  func()      // called once, before the next write
	listed     string      // the answer to a listing; "" means its object
}

func newBucket(t testing.TB, data string) *bucket {
	t.Helper()
	b := &bucket{name: "k", data: data, generation: 1}
	server := httptest.NewUnstartedServer(b)
	b.conns = storetest.CountConns(server)
	server.Start()
	t.Cleanup(server.Close)
	b.URL = server.URL
	return b
}

// missing is an answer of Cloud Storage to a download.
func missing(w http.ResponseWriter, text string) {
	w.Header().Set("X-Guploader-Uploadid", "1")
	w.WriteHeader(http.StatusNotFound)
	_, _ = io.WriteString(w, text)
}

// saidByStorage is the body of an error of the JSON API.
func saidByStorage(status int, reason, text string) string {
	return fmt.Sprintf(`{"error":{"code":%d,"message":%q,"errors":[{"message":%q,"domain":"global","reason":%q}]}}`, status, text, text, reason)
}

func (b *bucket) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.asked, b.header = append(b.asked, r.Method+" "+r.RequestURI), r.Header
	query, name := r.URL.Query(), strings.TrimPrefix(r.URL.Path, "/storage/v1/b/configs/o/")
	if b.intervene != nil && r.Method == http.MethodPost {
		b.intervene()
		b.intervene = nil
	}
	generation := fmt.Sprint(b.generation)
	wanted := query.Get("ifGenerationMatch")
	switch {
	case r.URL.Path == "/storage/v1/b/configs/o":
		answer := b.listed
		if answer == "" {
			answer = `{"kind":"storage#objects"}`
			if b.generation > 0 && strings.HasPrefix(b.name, query.Get("prefix")) {
				answer = `{"kind":"storage#objects","items":[{"name":"` + b.name + `"}]}`
			}
		}
		_, _ = io.WriteString(w, answer)
	case !strings.Contains(r.URL.Path, "/b/configs/"):
		w.WriteHeader(http.StatusNotFound)
		_, _ = io.WriteString(w, saidByStorage(404, "notFound", "The specified bucket does not exist."))
	case r.Method == http.MethodPost && wanted != "" && wanted != generation:
		w.WriteHeader(http.StatusPreconditionFailed)
		_, _ = io.WriteString(w, saidByStorage(412, "conditionNotMet", "At least one of the pre-conditions you specified did not hold."))
	case r.Method == http.MethodPost:
		data, _ := io.ReadAll(r.Body)
		b.name = query.Get("name")
		b.set(string(data))
		_, _ = fmt.Fprintf(w, `{"generation":"%d"}`, b.generation)
	case b.generation == 0 || name != b.name:
		missing(w, "No such object: configs/"+name)
	case r.Method == http.MethodDelete:
		b.generation = 0
		w.WriteHeader(http.StatusNoContent)
	case query.Get("ifGenerationNotMatch") == generation:
		w.WriteHeader(http.StatusNotModified)
	default:
		w.Header().Set("X-Goog-Generation", generation)
		n, _ := io.WriteString(w, b.data)
		b.sent += n
	}
}

func (b *bucket) set(data string) {
	b.data = data
	b.generation++
}

// between calls f between two requests.
func (b *bucket) between(f func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	f()
}

// last returns the last request.
func (b *bucket) last() (asked string, header http.Header) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.asked[len(b.asked)-1], b.header
}

func (b *bucket) connect(t testing.TB) *bucketConn {
	t.Helper()
	return connected(t, Bucket(), map[string]string{"projectID": "p", "bucket": "configs", "endpoint": b.URL}).(*bucketConn)
}

func TestObjectIsReadAndStoredByteForByte(t *testing.T) {
	b := newBucket(t, "")
	conn := b.connect(t)
	for _, config := range []string{`{"a":1.50}`, "", "\x00\xff", strings.Repeat("x", credential.MaxConfigSize)} {
		require.NoError(t, conn.Set(t.Context(), "apps/a b/{x}+%.json", []byte(config)))
		asked, header := b.last()
		require.Equal(t, "POST /upload/storage/v1/b/configs/o?fields=generation&name=apps%2Fa+b%2F%7Bx%7D%2B%25.json&uploadType=media", asked)
		require.Equal(t, "application/json", header.Get("Content-Type"))
		got, err := conn.Get(t.Context(), "apps/a b/{x}+%.json")
		require.NoError(t, err)
		require.Equal(t, config, string(got))
		asked, header = b.last()
		require.Equal(t, "GET /storage/v1/b/configs/o/apps%2Fa%20b%2F%7Bx%7D+%25.json?alt=media", asked)
		require.Empty(t, header.Get("Authorization"), "an emulator gets no credentials")
	}
	require.NoError(t, conn.Delete(t.Context(), "apps/a b/{x}+%.json"))
	_, err := conn.Get(t.Context(), "apps/a b/{x}+%.json")
	storetest.RequireKind(t, credential.NotFound, err)
	require.NoError(t, conn.Delete(t.Context(), "apps/a b/{x}+%.json"), "it does not exist")
}

func TestObjectIsMissingOnlyIfTheBucketLists(t *testing.T) {
	for name, test := range map[string]struct {
		listed string
		want   credential.Kind
	}{
		"an empty listing":     {`{"kind":"storage#objects"}`, credential.NotFound},
		"another object":       {`{"kind":"storage#objects","items":[{"name":"key"}]}`, credential.NotFound},
		"the object":           {`{"kind":"storage#objects","items":[{"name":"k"}]}`, credential.Unavailable},
		"a page of a proxy":    {"<html>canary</html>", credential.Unavailable},
		"an object of a proxy": {"{}", credential.Unavailable},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBucket(t, "")
			b.generation, b.listed = 0, test.listed
			_, err := b.connect(t).Get(t.Context(), "k")
			storetest.RequireKind(t, test.want, err)
			asked, _ := b.last()
			require.Equal(t, "GET /storage/v1/b/configs/o?fields=kind%2CnextPageToken%2Citems%28name%29&maxResults=1&prefix=k", asked)
		})
	}
}

func TestMissingBucketIsNoMissingConfig(t *testing.T) {
	b := newBucket(t, "")
	conn := connected(t, Bucket(), map[string]string{"project_id": "p", "bucket": "canary", "endpoint": b.URL}).(*bucketConn)
	_, err := conn.Get(t.Context(), "k")
	require.ErrorIs(t, err, errNoBucket)
	storetest.RequireKind(t, credential.Unavailable, err)
	require.ErrorIs(t, conn.Set(t.Context(), "k", nil), errNoBucket)
	require.ErrorIs(t, conn.Delete(t.Context(), "k"), errNoBucket)
	_, err = conn.List(t.Context(), "{guid}", "")
	require.ErrorIs(t, err, errNoBucket)
}

func TestObjectIsReadToItsLimit(t *testing.T) {
	b := newBucket(t, strings.Repeat("x", 64<<20))
	got, err := b.connect(t).Get(t.Context(), "k")
	require.NoError(t, err)
	require.Len(t, got, credential.MaxConfigSize+1, "one byte more, so that the config is known to be too large")
	b.between(func() { require.Less(t, b.sent, 32<<20) })
}

func TestObjectMayHaveManyElements(t *testing.T) {
	config := "[" + strings.Repeat("0,", credential.MaxConfigSize/2-1) + "0]"
	got, err := newBucket(t, config).connect(t).Get(t.Context(), "k")
	require.NoError(t, err)
	require.Len(t, got, len(config))
}

func TestUnchangedObjectIsNotSent(t *testing.T) {
	b := newBucket(t, "first")
	conn := b.connect(t)
	data, generation, err := conn.GetUnlessMatch(t.Context(), "k", "")
	require.NoError(t, err)
	require.Equal(t, []string{"first", "1"}, []string{string(data), generation})
	_, _, err = conn.GetUnlessMatch(t.Context(), "k", generation)
	require.ErrorIs(t, err, store.ErrUnchanged)
	b.between(func() {
		require.Equal(t, len("first"), b.sent)
		b.set("second")
	})
	data, generation, err = conn.GetUnlessMatch(t.Context(), "k", generation)
	require.NoError(t, err)
	require.Equal(t, []string{"second", "2"}, []string{string(data), generation})
}

func TestObjectIsReplacedIfItIsTheOldOne(t *testing.T) {
	b := newBucket(t, "old")
	conn := b.connect(t)
	require.NoError(t, conn.Replace(t.Context(), "k", []byte("old"), []byte("new")))
	b.between(func() { require.Equal(t, "new", b.data) })
	require.NoError(t, conn.Replace(t.Context(), "k", []byte("old"), []byte("new")), "an earlier attempt did it")
	b.between(func() { require.Equal(t, 2, b.generation) })
	require.ErrorIs(t, conn.Replace(t.Context(), "k", []byte("old"), []byte("other")), store.ErrEdited)
	for name, test := range map[string]struct {
		meanwhile func()
		want      error
	}{
		"edited":          {func() { b.set("edited") }, store.ErrEdited},
		"deleted":         {func() { b.generation = 0 }, store.ErrEdited},
		"the same edit":   {func() { b.set("newer") }, nil},
		"edited and back": {func() { b.set("new") }, credential.Unavailable},
		"no edit":         {func() {}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			b.between(func() { b.data, b.generation, b.intervene = "new", 7, test.meanwhile })
			require.ErrorIs(t, conn.Replace(t.Context(), "k", []byte("new"), []byte("newer")), test.want)
		})
	}
	b.between(func() { b.generation = 0 })
	require.ErrorIs(t, conn.Replace(t.Context(), "k", []byte("new"), []byte("newer")), store.ErrEdited)
}

func TestObjectsAreListedInPages(t *testing.T) {
	b := newBucket(t, "")
	b.listed = `{"kind":"storage#objects","nextPageToken":"next/page==","items":[{"name":"apps/my app/one/config.json"},
		{"name":"apps/my app/two/other.json"},{"name":"apps/my app/a.b/config.json"}]}`
	p, err := b.connect(t).List(t.Context(), "apps/my app/{guid}/config.json", "this/page==")
	require.NoError(t, err)
	require.Equal(t, store.Page{GUIDs: []string{"one"}, Next: "next/page=="}, p)
	asked, _ := b.last()
	require.Equal(t, "GET /storage/v1/b/configs/o?fields=kind%2CnextPageToken%2Citems%28name%29&maxResults=500&"+
		"pageToken=this%2Fpage%3D%3D&prefix=apps%2Fmy+app%2F", asked)
}

func TestConnectionsAreKeptUntilTheStoreCloses(t *testing.T) {
	b := newBucket(t, "{}")
	conn := b.connect(t)
	for range 3 {
		_, err := conn.Get(t.Context(), "k")
		require.NoError(t, err)
	}
	require.Equal(t, 1, b.conns.Total())
	require.NoError(t, conn.Close())
	b.conns.Await(t, 0)
}

func TestTokenIsSentOverTLSAlone(t *testing.T) {
	b := &bucket{name: "k", data: "{}", generation: 1}
	server := httptest.NewUnstartedServer(b)
	server.EnableHTTP2, server.TLS = true, authority.Server.Clone()
	server.StartTLS()
	t.Cleanup(server.Close)
	conn := connected(t, Bucket(), keyed(t, map[string]string{"bucket": "configs", "endpoint": server.URL, "contentType": "text/plain"})).(*bucketConn)
	conn.identity.last.quotaProject = "billed"
	_, err := conn.Get(t.Context(), "k")
	require.NoError(t, err)
	_, header := b.last()
	require.Equal(t, []string{"Bearer " + keyToken, "billed"}, []string{header.Get("Authorization"), header.Get("X-Goog-User-Project")})
	require.NoError(t, conn.Set(t.Context(), "k", nil))
	_, header = b.last()
	require.Equal(t, "text/plain", header.Get("Content-Type"))
}

func TestSettingsOfTheBucket(t *testing.T) {
	for _, name := range []string{"decodeBase64", "encodeBase64"} {
		require.EqualError(t, Bucket().Prepare(map[string]string{"project_id": "p", name: "canary"}), name+" must be true or false")
		require.NoError(t, Bucket().Prepare(map[string]string{"project_id": "p", name: "true", "signTTL": "15m"}))
	}
}
