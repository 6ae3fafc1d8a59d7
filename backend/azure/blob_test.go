package azure

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

// blobServer is Blob Storage with one blob, whose ETag is its number.
type blobServer struct {
	URL   string
	conns *storetest.ConnCount

	mu        sync.Mutex
	data      string
	version   int    // 0: there is no blob
	sent      int    // bytes of blobs that were sent
	uri       string // of the last request, with its query
	header    http.Header
	intervene func() // called once, before the next write
}

func newBlobServer(t testing.TB, data string) *blobServer {
	t.Helper()
	b := &blobServer{data: data, version: 1}
	server := httptest.NewUnstartedServer(b)
	b.conns = storetest.CountConns(server)
	server.Start()
	t.Cleanup(server.Close)
	b.URL = server.URL
	return b
}

func (b *blobServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.uri, b.header = r.RequestURI, r.Header
	w.Header().Set("X-Ms-Request-Id", "1")
	if b.intervene != nil && r.Method == http.MethodPut {
		b.intervene()
		b.intervene = nil
	}
	etag := fmt.Sprintf(`"0x%d"`, b.version)
	wanted := r.Header.Get("If-Match")
	fail := func(status int, code string) {
		w.Header().Set("X-Ms-Error-Code", code)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, saidByBlobs(code, ""))
	}
	switch {
	case wanted != "" && (b.version == 0 || wanted != etag):
		fail(http.StatusPreconditionFailed, "ConditionNotMet")
	case r.Method == http.MethodPut:
		data, _ := io.ReadAll(r.Body)
		b.set(string(data))
		w.WriteHeader(http.StatusCreated)
	case b.version == 0:
		fail(http.StatusNotFound, "BlobNotFound")
	case r.Method == http.MethodDelete:
		b.version = 0
		w.WriteHeader(http.StatusAccepted)
	case r.Header.Get("If-None-Match") == etag:
		w.WriteHeader(http.StatusNotModified)
	default:
		w.Header().Set("ETag", etag)
		n, _ := io.WriteString(w, b.data)
		b.sent += n
	}
}

func (b *blobServer) set(data string) {
	b.data = data
	b.version++
}

// between calls f between two requests.
func (b *blobServer) between(f func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	f()
}

// blobFields are the metadata for a server.
func blobFields(url string) map[string]string {
	return map[string]string{"accountName": "canary", "accountKey": storageKey, "containerName": "configs", "endpoint": url}
}

func (b *blobServer) connect(t testing.TB) *blobConn {
	t.Helper()
	return openConfigs(t, Blob(), blobFields(b.URL)).(*blobConn)
}

func TestBlobIsAConfig(t *testing.T) {
	b := newBlobServer(t, "")
	conn := b.connect(t)
	for _, config := range []string{`{"a":12345678901234567890}`, "", " \n{}\xff", `"{}"`} {
		require.NoError(t, conn.Set(t.Context(), "apps/a b/{x}.json", []byte(config)))
		b.between(func() { require.Equal(t, "application/json", b.header.Get("X-Ms-Blob-Content-Type")) })
		got, err := conn.Get(t.Context(), "apps/a b/{x}.json")
		require.NoError(t, err)
		require.Equal(t, config, string(got))
	}
	b.between(func() { require.Equal(t, "/canary/configs/apps%2Fa%20b%2F%7Bx%7D.json", b.uri) })
	require.NoError(t, conn.Delete(t.Context(), "k"))
	for _, err := range []error{conn.Delete(t.Context(), "k"), second(conn.Get(t.Context(), "k"))} {
		storetest.RequireKind(t, credential.NotFound, err)
	}
}

func second[T any](_ T, err error) error { return err }

func TestNameOfABlobIsThatOfDaprsVersion(t *testing.T) {
	for key, want := range map[string][2]string{
		"myapp||k": {"k", "myapp||k"},
		"k":        {"k", "k"},
		"a||b/c":   {"b/c", "a||b/c"},
	} {
		v1, err := nameV1(key)
		require.NoError(t, err)
		v2, err := nameV2(key)
		require.NoError(t, err)
		require.Equal(t, want, [2]string{v1, v2})
	}
	b := newBlobServer(t, "{}")
	conn := openConfigs(t, BlobV1(), blobFields(b.URL))
	require.NoError(t, conn.Set(t.Context(), "myapp||k", []byte("{}")))
	b.between(func() { require.Equal(t, "/canary/configs/k", b.uri) })
	// Dapr's version 1 reads the same blob for each such key.
	require.ErrorIs(t, second(conn.Get(t.Context(), "a||b||k")), errDelimiters)
	require.ErrorIs(t, conn.Set(t.Context(), "a||b||k", nil), errDelimiters)
	require.ErrorIs(t, conn.(store.Deleter).Delete(t.Context(), "a||b||k"), errDelimiters)
	require.ErrorIs(t, second(conn.(store.Lister).List(t.Context(), "a||b||{guid}", "")), errDelimiters)
}

func TestBlobIsReadToItsLimit(t *testing.T) {
	b := newBlobServer(t, strings.Repeat("x", 64<<20))
	got, err := b.connect(t).Get(t.Context(), "k")
	require.NoError(t, err)
	require.Len(t, got, credential.MaxConfigSize+1, "one byte more, so that the config is known to be too large")
	b.between(func() { require.Less(t, b.sent, 32<<20) })
}

func TestBlobMayHaveManyElements(t *testing.T) {
	config := "[" + strings.Repeat("0,", credential.MaxConfigSize/2-1) + "0]"
	got, err := newBlobServer(t, config).connect(t).Get(t.Context(), "k")
	require.NoError(t, err)
	require.Len(t, got, len(config))
}

func TestUnchangedBlobIsNotSent(t *testing.T) {
	b := newBlobServer(t, "first")
	conn := b.connect(t)
	data, etag, err := conn.GetUnlessMatch(t.Context(), "k", "")
	require.NoError(t, err)
	require.Equal(t, []string{"first", `"0x1"`}, []string{string(data), etag})
	_, _, err = conn.GetUnlessMatch(t.Context(), "k", etag)
	require.ErrorIs(t, err, store.ErrUnchanged)
	b.between(func() {
		require.Equal(t, len("first"), b.sent)
		b.set("second")
	})
	data, etag, err = conn.GetUnlessMatch(t.Context(), "k", etag)
	require.NoError(t, err)
	require.Equal(t, []string{"second", `"0x2"`}, []string{string(data), etag})
}

func TestBlobIsReplacedIfItIsTheOldOne(t *testing.T) {
	b := newBlobServer(t, "old")
	conn := b.connect(t)
	require.NoError(t, conn.Replace(t.Context(), "k", []byte("old"), []byte("new")))
	b.between(func() { require.Equal(t, "new", b.data) })
	require.NoError(t, conn.Replace(t.Context(), "k", []byte("old"), []byte("new")), "an earlier attempt did it")
	b.between(func() { require.Equal(t, 2, b.version) })
	require.ErrorIs(t, conn.Replace(t.Context(), "k", []byte("old"), []byte("other")), store.ErrEdited)

	for name, test := range map[string]struct {
		meanwhile func()
		want      error
	}{
		"edited":            {func() { b.set("edited") }, store.ErrEdited},
		"deleted":           {func() { b.version = 0 }, store.ErrEdited},
		"the same edit":     {func() { b.set("newer") }, nil},
		"edited and back":   {func() { b.set("new") }, errNotReplaced},
		"no edit meanwhile": {func() {}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			b.between(func() { b.data, b.version, b.intervene = "new", 7, test.meanwhile })
			err := conn.Replace(t.Context(), "k", []byte("new"), []byte("newer"))
			require.ErrorIs(t, err, test.want)
		})
	}
	b.between(func() { b.version = 0 })
	require.ErrorIs(t, conn.Replace(t.Context(), "k", []byte("new"), []byte("newer")), store.ErrEdited)
}

// https://learn.microsoft.com/rest/api/storageservices/list-blobs
func TestBlobsAreListedInPages(t *testing.T) {
	s := newStorageService(t, storageReply{status: 200, body: xmlHead + `<EnumerationResults ServiceEndpoint="https://canary/" ContainerName="configs">
		<Blobs><Blob><Name>apps/my app/one/config.json</Name></Blob><Blob><Name>apps/my app/two/other.json</Name></Blob>
		<Blob><Name Encoded="true">apps%2Fmy%20app%2F%EF%BF%BE%2Fconfig.json</Name></Blob><Blob></Blob></Blobs><NextMarker>next/page==</NextMarker></EnumerationResults>`})
	conn := openConfigs(t, Blob(), blobFields(s.URL)).(store.Lister)
	p, err := conn.List(t.Context(), "apps/my app/{guid}/config.json", "this/page==")
	require.NoError(t, err)
	require.Equal(t, store.Page{GUIDs: []string{"one"}, Next: "next/page=="}, p)
	require.Equal(t, "/canary/configs?comp=list&marker=this%2Fpage%3D%3D&maxresults=500&prefix=apps%2Fmy%20app%2F&restype=container", s.last().uri)

	v1 := openConfigs(t, BlobV1(), blobFields(s.URL)).(store.Lister)
	_, err = v1.List(t.Context(), "myapp||{guid}", "")
	require.NoError(t, err)
	require.Equal(t, "/canary/configs?comp=list&maxresults=500&prefix=&restype=container", s.last().uri)

	s.set(storageReply{status: 404, body: saidByBlobs("ContainerNotFound", "")})
	_, err = conn.List(t.Context(), "{guid}", "")
	require.ErrorIs(t, err, errNoContainer)
	s.set(storageReply{status: 200, body: xmlHead + "<html></html>"})
	_, err = conn.List(t.Context(), "{guid}", "")
	require.ErrorIs(t, err, errNotAzure)
}

func TestConnectionsToBlobStorageAreKeptUntilTheStoreCloses(t *testing.T) {
	b := newBlobServer(t, "{}")
	conn := b.connect(t)
	for range 3 {
		_, err := conn.Get(t.Context(), "k")
		require.NoError(t, err)
	}
	require.Equal(t, 1, b.conns.Total())
	require.NoError(t, conn.Close())
	b.conns.Await(t, 0)
}

func TestSharedAccessSignatureReachesOnlyTheServer(t *testing.T) {
	b := newBlobServer(t, "{}")
	fields := map[string]string{
		"containerName": "configs", "connectionString": "BlobEndpoint=" + b.URL + "/canary;SharedAccessSignature=sv=2024-11-04&sig=canary%2Fsignature",
	}
	conn := openConfigs(t, Blob(), fields)
	_, err := conn.Get(t.Context(), "k")
	require.NoError(t, err)
	b.between(func() {
		require.Equal(t, "/canary/configs/k?sig=canary%2Fsignature&sv=2024-11-04", b.uri)
		require.Empty(t, b.header.Get("Authorization"))
	})
	fields["connectionString"] = strings.Replace(fields["connectionString"], b.URL, "http://127.0.0.1:1", 1)
	_, err = openConfigs(t, Blob(), fields).Get(t.Context(), "k")
	storetest.RequireKind(t, credential.Unavailable, err)
	for _, text := range []string{err.Error(), store.SafeWords(err), fmt.Sprintf("%+v", err)} {
		require.NotContains(t, text, "canary")
	}
}
