package gcp

import (
	"fmt"
	"strings"
	"testing"

	"cloud.google.com/go/datastore/apiv1/datastorepb"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"credential-resolver/backend/gcp/gcptest"
	"credential-resolver/backend/store"
	"credential-resolver/backend/storetest"
	"credential-resolver/internal/wirelimit"
	"credential-resolver/resolver/credential"
)

const kind = "DaprState"

// newDatabase starts an emulator of Firestore, and connects to it.
func newDatabase(t *testing.T) (*gcptest.Datastore, *firestoreConn) {
	t.Helper()
	d, err := gcptest.NewDatastore(nil, "")
	require.NoError(t, err)
	t.Cleanup(d.Stop)
	return d, connected(t, Firestore(), map[string]string{"project_id": gcptest.Project, "endpoint": d.Address}).(*firestoreConn)
}

func text(value string) map[string]*datastorepb.Value {
	return map[string]*datastorepb.Value{"Value": gcptest.Text(value)}
}

func TestEntityIsReadByteForByte(t *testing.T) {
	d, conn := newDatabase(t)
	for _, config := range []string{`{"a":12345678901234567890}`, "", `{"é":1.50}`, strings.Repeat("x", maxText)} {
		d.Put(kind, "myapp||k", text(config))
		got, err := conn.Get(t.Context(), "myapp||k")
		require.NoError(t, err)
		require.Equal(t, config, string(got))
	}
	header, _ := d.Last()
	require.Equal(t, []string{"projects/my-project"}, header.Get("google-cloud-resource-prefix"))
	require.Equal(t, []string{"project_id=my-project"}, header.Get("x-goog-request-params"))
	require.Empty(t, header.Get("authorization"), "an emulator gets no credentials")
	_, err := conn.Get(t.Context(), "myapp||none")
	storetest.RequireKind(t, credential.NotFound, err)
}

// contrib writes a struct with one field, Value. With noIndex, the value is not indexed.
func TestEntityIsStoredAsDaprStoresIt(t *testing.T) {
	d, conn := newDatabase(t)
	require.NoError(t, conn.Set(t.Context(), "k", []byte(`{"a":1.50}`)))
	_, commits := d.Last()
	value := gcptest.Text(`{"a":1.50}`)
	value.ExcludeFromIndexes = true
	require.True(t, proto.Equal(&datastorepb.Entity{
		Key: gcptest.Key(kind, "k"), Properties: map[string]*datastorepb.Value{"Value": value},
	}, commits[0].GetMutations()[0].GetUpsert()), "%v", commits[0])
	require.NoError(t, conn.Delete(t.Context(), "k"))
	require.NoError(t, conn.Delete(t.Context(), "k"), "it does not exist")
	_, err := conn.Get(t.Context(), "k")
	storetest.RequireKind(t, credential.NotFound, err)
}

func TestKindOfTheEntitiesMayBeAnother(t *testing.T) {
	d, _ := newDatabase(t)
	fields := map[string]string{"projectID": gcptest.Project, "endpoint": d.Address, "entity_kind": "Other", "noIndex": "true", "type": "service_account"}
	conn := connected(t, Firestore(), fields)
	require.NoError(t, conn.Set(t.Context(), "k", []byte("{}")))
	_, commits := d.Last()
	require.True(t, proto.Equal(gcptest.Key("Other", "k"), commits[0].GetMutations()[0].GetUpsert().GetKey()))
}

func TestDatabaseOnGoogleGetsTheToken(t *testing.T) {
	d, err := gcptest.NewDatastore(authority.Server, keyToken)
	require.NoError(t, err)
	t.Cleanup(d.Stop)
	d.Put(kind, "k", text("{}"))
	_, err = connected(t, Firestore(), keyed(t, map[string]string{"endpoint": "https://" + d.Address})).Get(t.Context(), "k")
	require.NoError(t, err)
}

func TestWhatFirestoreCannotStoreIsRefused(t *testing.T) {
	d, conn := newDatabase(t)
	for name, test := range map[string]struct{ key, data string }{
		"a long key":       {strings.Repeat("k", 1501), "{}"},
		"no key":           {"", "{}"},
		"a key of bytes":   {"\xff", "{}"},
		"bytes":            {"k", "\xff"},
		"a long text":      {"k", strings.Repeat("x", maxText+1)},
		"a very long text": {"k", strings.Repeat("x", credential.MaxConfigSize)},
	} {
		storetest.RequireKind(t, credential.FailedPrecondition, conn.Set(t.Context(), test.key, []byte(test.data)), name)
	}
	_, err := conn.Get(t.Context(), strings.Repeat("k", 1501))
	storetest.RequireKind(t, credential.FailedPrecondition, err)
	_, commits := d.Last()
	require.Empty(t, commits)
}

func TestEntityOfAnotherProgramIsNoConfig(t *testing.T) {
	d, conn := newDatabase(t)
	for _, properties := range []map[string]*datastorepb.Value{
		nil, {"value": gcptest.Text("{}")}, {"Value": {ValueType: &datastorepb.Value_BlobValue{BlobValue: []byte("{}")}}},
	} {
		d.Put(kind, "k", properties)
		_, err := conn.Get(t.Context(), "k")
		storetest.RequireKind(t, credential.FailedPrecondition, err)
		require.ErrorIs(t, err, errOtherEntity)
	}
}

func TestEntityIsReplacedIfItIsTheOldOne(t *testing.T) {
	d, conn := newDatabase(t)
	d.Put(kind, "k", map[string]*datastorepb.Value{"Value": gcptest.Text("old"), "more": gcptest.Text("kept")})
	require.NoError(t, conn.Replace(t.Context(), "k", []byte("old"), []byte("new")))
	_, commits := d.Last()
	require.Equal(t, "kept", commits[0].GetMutations()[0].GetUpsert().GetProperties()["more"].GetStringValue())
	require.NoError(t, conn.Replace(t.Context(), "k", []byte("old"), []byte("new")), "an earlier attempt did it")
	require.ErrorIs(t, conn.Replace(t.Context(), "k", []byte("old"), []byte("other")), store.ErrEdited)
	_, commits = d.Last()
	require.Len(t, commits, 1, "nothing is written")
	require.ErrorIs(t, conn.Replace(t.Context(), "none", []byte("old"), []byte("other")), store.ErrEdited)
	for name, test := range map[string]struct {
		meanwhile func()
		want      error
	}{
		"edited":          {func() { d.Put(kind, "k", text("edited")) }, store.ErrEdited},
		"deleted":         {func() { d.Delete(kind, "k") }, store.ErrEdited},
		"the same edit":   {func() { d.Put(kind, "k", text("newer")) }, nil},
		"edited and back": {func() { d.Put(kind, "k", text("new")) }, errConflict},
		"no edit":         {func() {}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			d.Put(kind, "k", text("new"))
			d.Intervene(test.meanwhile)
			require.ErrorIs(t, conn.Replace(t.Context(), "k", []byte("new"), []byte("newer")), test.want)
		})
	}
}

func TestEntitiesAreListedInPages(t *testing.T) {
	d, conn := newDatabase(t)
	for i := range listPage + 1 {
		d.Put(kind, fmt.Sprintf("myapp||%04d", i), nil)
	}
	for _, name := range []string{"myapp|", "myapp||a.b", "myapp|}", "other||x", "a"} {
		d.Put(kind, name, nil)
	}
	d.Put("Other", "myapp||other", nil)
	p, err := conn.List(t.Context(), "myapp||{guid}", "")
	require.NoError(t, err)
	require.Len(t, p.GUIDs, listPage)
	require.NotEmpty(t, p.Next)
	p, err = conn.List(t.Context(), "myapp||{guid}", p.Next)
	require.NoError(t, err)
	require.Equal(t, store.Page{GUIDs: []string{"0500"}}, p)
	p, err = conn.List(t.Context(), "{guid}", "")
	require.NoError(t, err)
	require.Equal(t, []string{"a"}, p.GUIDs)
	_, err = conn.List(t.Context(), "{guid}", "no cursor!")
	storetest.RequireKind(t, credential.FailedPrecondition, err)
}

// https://docs.cloud.google.com/datastore/docs/concepts/errors
func TestFailuresOfFirestoreAreToldApart(t *testing.T) {
	cases := sharedFailures()
	for name, test := range map[string]failureCase{
		"no such database":     {status.Error(codes.NotFound, "The database (default) does not exist for project canary"), credential.Unavailable, false, false},
		"another mode":         {status.Error(codes.FailedPrecondition, "The Cloud Datastore API is not available for Cloud Firestore Native mode databases. canary"), credential.Unavailable, false, false},
		"no right":             {status.Error(codes.PermissionDenied, "Missing or insufficient permissions. canary"), credential.Denied, true, false},
		"contention":           {status.Error(codes.Aborted, "too much contention on these datastore entities. canary"), credential.Unavailable, false, false},
		"another precondition": {status.Error(codes.FailedPrecondition, "canary"), credential.Unavailable, false, false},
	} {
		cases[name] = test
	}
	d, conn := newDatabase(t)
	d.Put(kind, "canary", text("{}"))
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			d.Fail(test.answer)
			found, err := conn.Get(t.Context(), "canary")
			requireFailure(t, test, found, err)
			requireFailure(t, test, nil, conn.Set(t.Context(), "canary", []byte("{}")))
			p, err := conn.List(t.Context(), "{guid}", "")
			requireFailure(t, test, p, err)
		})
	}
}

func TestAnswerWithTooManyFieldsIsNotDecoded(t *testing.T) {
	d, conn := newDatabase(t)
	properties := text("{}")
	for i := range large.fields {
		properties[fmt.Sprint(i)] = nil
	}
	d.Put(kind, "k", properties)
	_, err := conn.Get(t.Context(), "k")
	storetest.RequireKind(t, credential.Unavailable, err)

	nested := gcptest.Text("x")
	for range maxDepth {
		nested = &datastorepb.Value{ValueType: &datastorepb.Value_ArrayValue{ArrayValue: &datastorepb.ArrayValue{Values: []*datastorepb.Value{nested}}}}
	}
	deep, err := proto.Marshal(nested)
	require.NoError(t, err)
	codec := &boundedCodec{left: 1000}
	require.ErrorIs(t, codec.count(nested.ProtoReflect().Descriptor(), deep, maxDepth), wirelimit.ErrTooLarge)
	require.Error(t, codec.count(nested.ProtoReflect().Descriptor(), deep[:len(deep)-1], maxDepth), "it ends early")
	require.Error(t, codec.count(nested.ProtoReflect().Descriptor(), []byte{0xff}, maxDepth))
}

func TestSettingsOfFirestore(t *testing.T) {
	require.EqualError(t, Firestore().Prepare(map[string]string{"project_id": "p", "noIndex": "canary"}), "noIndex must be true or false")
	for _, name := range []string{"project_id", "endpoint", "connectionEndpoint", "entity_kind", "noIndex", "private_key_id"} {
		_, _, err := store.Lookup(store.Spec{Type: "x", Fields: map[string]string{name: ""}}, map[string]store.Type[store.ConfigConn]{
			"x": {Fields: Firestore().Fields},
		})
		require.NoError(t, err, name)
	}
}
