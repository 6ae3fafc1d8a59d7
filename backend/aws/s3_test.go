package aws

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

// bucket is a bucket of S3 with one object, whose ETag is its number.
type bucket struct {
	URL   string
	conns *storetest.ConnCount

	mu        sync.Mutex
	data      string
	version   int
	sent      int    // bytes of objects that were sent
	uri       string // of the last request, with its query
	class     string // of the last object
	intervene func() // called once, before the next write
}

func newBucket(t testing.TB, data string) *bucket {
	t.Helper()
	b := &bucket{data: data, version: 1}
	server := httptest.NewUnstartedServer(b)
	b.conns = storetest.CountConns(server)
	server.Start()
	t.Cleanup(server.Close)
	b.URL = server.URL
	return b
}

func (b *bucket) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.uri = r.RequestURI
	if b.intervene != nil && r.Method == http.MethodPut {
		b.intervene()
		b.intervene = nil
	}
	etag := fmt.Sprintf(`"%d"`, b.version)
	wanted := r.Header.Get("If-Match")
	switch {
	case wanted != "" && b.version == 0:
		w.WriteHeader(http.StatusNotFound)
		_, _ = io.WriteString(w, saidByS3("NoSuchKey", ""))
	case wanted != "" && wanted != etag:
		w.WriteHeader(http.StatusPreconditionFailed)
		_, _ = io.WriteString(w, saidByS3("PreconditionFailed", "At least one of the pre-conditions you specified did not hold"))
	case r.Method == http.MethodPut:
		data, _ := io.ReadAll(r.Body)
		b.set(string(data))
		b.class = r.Header.Get("X-Amz-Storage-Class")
	case r.Method == http.MethodDelete:
		b.version = 0
		w.WriteHeader(http.StatusNoContent)
	case b.version == 0:
		w.WriteHeader(http.StatusNotFound)
		_, _ = io.WriteString(w, saidByS3("NoSuchKey", ""))
	case r.Header.Get("If-None-Match") == etag:
		w.WriteHeader(http.StatusNotModified)
	default:
		w.Header().Set("ETag", etag)
		n, _ := io.WriteString(w, b.data)
		b.sent += n
	}
}

func (b *bucket) set(data string) {
	b.data = data
	b.version++
}

// between calls f between two requests.
func (b *bucket) between(f func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	f()
}

// connect connects to the bucket.
func (b *bucket) connect(t testing.TB) *s3Conn {
	t.Helper()
	fields := map[string]string{
		"region": "eu-west-1", "accessKey": "AKIACANARY", "secretKey": "canary-key", "endpoint": b.URL, "bucket": "configs",
		"forcePathStyle": "true", "storageClass": "STANDARD_IA",
	}
	require.NoError(t, S3().Prepare(fields))
	conn, err := S3().Connect(t.Context(), fields, storetest.DevNull(t))
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	return conn.(*s3Conn)
}

func TestObjectOfS3IsAConfig(t *testing.T) {
	b := newBucket(t, "")
	conn := b.connect(t)
	for _, config := range []string{`{"a":12345678901234567890}`, "", " \n{}\xff", `"{}"`} {
		require.NoError(t, conn.Set(t.Context(), "apps/a b/{x}.json", []byte(config)))
		got, err := conn.Get(t.Context(), "apps/a b/{x}.json")
		require.NoError(t, err)
		require.Equal(t, config, string(got))
	}
	b.between(func() {
		require.Equal(t, "/configs/apps/a%20b/%7Bx%7D.json?x-id=GetObject", b.uri)
		require.Equal(t, "STANDARD_IA", b.class)
	})
	require.NoError(t, conn.Delete(t.Context(), "k"))
	_, err := conn.Get(t.Context(), "k")
	storetest.RequireKind(t, credential.NotFound, err)
}

func TestObjectOfS3IsReadToItsLimit(t *testing.T) {
	b := newBucket(t, strings.Repeat("x", 64<<20))
	got, err := b.connect(t).Get(t.Context(), "k")
	require.NoError(t, err)
	require.Len(t, got, credential.MaxConfigSize+1, "one byte more, so that the config is known to be too large")
	b.between(func() { require.Less(t, b.sent, 32<<20) })
}

func TestObjectOfS3MayHaveManyElements(t *testing.T) {
	config := "[" + strings.Repeat("0,", credential.MaxConfigSize/2-1) + "0]"
	got, err := newBucket(t, config).connect(t).Get(t.Context(), "k")
	require.NoError(t, err)
	require.Len(t, got, len(config))
}

func TestUnchangedObjectOfS3IsNotSent(t *testing.T) {
	b := newBucket(t, "first")
	conn := b.connect(t)
	data, etag, err := conn.GetUnlessMatch(t.Context(), "k", "")
	require.NoError(t, err)
	require.Equal(t, []string{"first", `"1"`}, []string{string(data), etag})
	_, _, err = conn.GetUnlessMatch(t.Context(), "k", etag)
	require.ErrorIs(t, err, store.ErrUnchanged)
	b.between(func() {
		require.Equal(t, len("first"), b.sent)
		b.set("second")
	})
	data, etag, err = conn.GetUnlessMatch(t.Context(), "k", etag)
	require.NoError(t, err)
	require.Equal(t, []string{"second", `"2"`}, []string{string(data), etag})
}

func TestObjectOfS3IsReplacedIfItIsTheOldOne(t *testing.T) {
	b := newBucket(t, "old")
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

// https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html
func TestObjectsOfS3AreListedInPages(t *testing.T) {
	s := newService(t, 200, xmlHead+`<ListBucketResult><Name>configs</Name><IsTruncated>true</IsTruncated><EncodingType>url</EncodingType>
		<NextContinuationToken>next/page==</NextContinuationToken>
		<Contents><Key>apps%2Fmy+app%2Fone%2Fconfig.json</Key></Contents><Contents><Key>apps%2Fmy+app%2Ftwo%2Fother.json</Key></Contents>
		<Contents><Key>apps%2Fmy+app%2Fa.b%2Fconfig.json</Key></Contents><Contents><Key>%01%zz</Key></Contents></ListBucketResult>`)
	conn := connected(t, S3(), map[string]string{"endpoint": s.URL, "bucket": "configs", "forcePathStyle": "true"}).(store.Lister)
	p, err := conn.List(t.Context(), "apps/my app/{guid}/config.json", "this/page==")
	require.NoError(t, err)
	require.Equal(t, store.Page{GUIDs: []string{"one"}, Next: "next/page=="}, p)
	require.Equal(t, "/configs?continuation-token=this%2Fpage%3D%3D&encoding-type=url&list-type=2&max-keys=500&prefix=apps%2Fmy%20app%2F", s.uri)

	s.status, s.body = 404, saidByS3("NoSuchBucket", "")
	_, err = conn.List(t.Context(), "{guid}", "")
	require.ErrorIs(t, err, errNoBucket)
}

func TestConnectionsToS3AreKeptUntilTheStoreCloses(t *testing.T) {
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

func TestRemedyOfS3NamesTheRightToList(t *testing.T) {
	s := newService(t, 403, saidByS3("AccessDenied", "Access Denied"))
	conn := connected(t, S3(), map[string]string{"endpoint": s.URL, "bucket": "configs", "forcePathStyle": "true"})
	_, err := conn.Get(t.Context(), "k")
	require.ErrorIs(t, err, errHidden)
	require.Contains(t, store.SafeWords(err), "s3:ListBucket")
	require.NotErrorIs(t, conn.Set(t.Context(), "k", nil), errHidden)
}

func TestRemedyOfS3NamesTheRegion(t *testing.T) {
	const malformed = "AuthorizationHeaderMalformed"
	for text, want := range map[string]error{
		"The authorization header is malformed; the region 'us-east-1' is wrong; expecting 'eu-west-1'": errElsewhere,
		"The authorization header is malformed; a non-empty Access Key (AKID) must be provided.":        answered(malformed),
	} {
		s := newService(t, 400, saidByS3(malformed, text))
		conn := connected(t, S3(), map[string]string{"endpoint": s.URL, "bucket": "configs", "forcePathStyle": "true"})
		_, err := conn.Get(t.Context(), "k")
		require.ErrorIs(t, err, want)
	}
}

func TestSettingsOfS3(t *testing.T) {
	for _, test := range []struct {
		name, value string
		want        string
	}{
		{"forcePathStyle", "yes please", "forcePathStyle must be true or false"},
		{"encodeBase64", "canary", "encodeBase64 must be true or false"},
		{"filePath", "/canary", "filePath is not supported: the config is the object itself, not a file of this machine"},
		{"endpoint", "minio:9000", `endpoint is not an address such as "https://vpce-1.secretsmanager.eu-west-1.vpce.amazonaws.com"`},
	} {
		require.EqualError(t, S3().Prepare(map[string]string{"bucket": "b", test.name: test.value}), test.want)
	}
	for _, name := range []string{"decodeBase64", "encodeBase64", "insecureSSL"} {
		require.NoError(t, S3().Prepare(map[string]string{"bucket": "b", name: "true"}))
	}
	fields := map[string]string{"bucket": "b", "Endpoint": "minio:9000", "disableSSL": "true"}
	require.NoError(t, S3().Prepare(fields))
	require.Equal(t, "http://minio:9000", store.Field(fields, "endpoint"))
}

func TestInsecureSSLOfS3AcceptsAnyCertificate(t *testing.T) {
	server := httptest.NewTLSServer(&bucket{data: "{}", version: 1})
	t.Cleanup(server.Close)
	for value, want := range map[string]bool{"true": true, "false": false} {
		conn := connected(t, S3(), map[string]string{"endpoint": server.URL, "bucket": "configs", "forcePathStyle": "true", "insecureSSL": value})
		_, err := conn.Get(t.Context(), "k")
		require.Equal(t, want, err == nil, "%v", err)
	}
}
