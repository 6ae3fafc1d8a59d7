package gcp

import (
	"context"
	"encoding/base64"
	"errors"
	"net/url"
	"strings"
	"unicode/utf8"

	"cloud.google.com/go/datastore/apiv1/datastorepb"
	"golang.org/x/sync/semaphore"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/dapr/kit/logger"

	"credential-resolver/backend/store"
	"credential-resolver/internal/wirelimit"
	"credential-resolver/resolver/credential"
)

// firestoreSettings are the metadata of Firestore.
type firestoreSettings struct {
	Common settings `mapstructure:",squash"`

	Kind    string `mapstructure:"entity_kind" mapstructurealiases:"entityKind" mdaliases:"entityKind"`
	NoIndex bool   `mapstructure:"noIndex"` // no effect: a value is never indexed
}

// Firestore is state.gcp.firestore: one entity a config in Firestore in Datastore mode, in the form
// of contrib's store. A config that this program or daprd's gRPC API stores is exact. One that
// daprd's HTTP API stores has lost its field order and the digits of long numbers. Google does not
// index a text of more than 1500 bytes, so a value is stored as one that is not indexed: contrib's
// store does so only with noIndex.
func Firestore() store.Type[store.ConfigConn] {
	return store.Type[store.ConfigConn]{
		Fields:  declared[firestoreSettings](),
		Prepare: prepareFirestore,
		Connect: connectFirestore,
	}
}

func prepareFirestore(fields map[string]string) error {
	if value := store.Field(fields, "noIndex"); value != "" && !store.IsBoolean(value) {
		return errors.New("noIndex must be true or false")
	}
	return prepare(fields)
}

const (
	datastoreHost = "datastore.googleapis.com"
	// valueProperty is the property of an entity that has the config.
	valueProperty = "Value"
	keyProperty   = "__key__"
	maxKeyName    = 1500
	// maxText is the length of the longest text that Google stores, in bytes.
	maxText = 1<<20 - 89
)

// firestoreConn is a connected database.
type firestoreConn struct {
	*connection

	client  datastorepb.DatastoreClient
	project string
	kind    string
	alone   *semaphore.Weighted // for large answers, of which one is read at a time
}

var (
	_ store.ConfigConn = (*firestoreConn)(nil)
	_ store.Deleter    = (*firestoreConn)(nil)
	_ store.Replacer   = (*firestoreConn)(nil)
	_ store.Lister     = (*firestoreConn)(nil)
)

func connectFirestore(ctx context.Context, fields map[string]string, _ logger.Logger) (store.ConfigConn, error) {
	s, err := decode[firestoreSettings](fields)
	if err != nil {
		return nil, store.Permanent(err)
	}
	c, err := connect(ctx, s.Common, datastoreHost, wirelimit.MaxMessage)
	if err != nil {
		return nil, err
	}
	if s.Kind == "" {
		s.Kind = "DaprState"
	}
	return &firestoreConn{c, datastorepb.NewDatastoreClient(c.ClientConn), s.Common.Project, s.Kind, semaphore.NewWeighted(1)}, nil
}

const errKeyName = credential.Remedy("the key of a config has 1 to 1500 bytes of UTF-8: check configKey")

func (c *firestoreConn) keyOf(name string) *datastorepb.Key {
	return &datastorepb.Key{
		PartitionId: &datastorepb.PartitionId{ProjectId: c.project},
		Path:        []*datastorepb.Key_PathElement{{Kind: c.kind, IdType: &datastorepb.Key_PathElement_Name{Name: name}}},
	}
}

// Get reads an entity. The read has every write that ended before it.
func (c *firestoreConn) Get(ctx context.Context, key string) ([]byte, error) {
	found, err := c.read(ctx, key)
	if err != nil {
		return nil, err
	}
	return textOf(found.GetEntity())
}

func (c *firestoreConn) read(ctx context.Context, key string) (*datastorepb.EntityResult, error) {
	if key == "" || len(key) > maxKeyName || !utf8.ValidString(key) {
		return nil, store.Unable(errKeyName)
	}
	req := &datastorepb.LookupRequest{ProjectId: c.project, Keys: []*datastorepb.Key{c.keyOf(key)}}
	var out *datastorepb.LookupResponse
	err := c.ask(ctx, "datastore.entities.get", small, func(ctx context.Context, options ...grpc.CallOption) (err error) {
		out, err = c.client.Lookup(ctx, req, options...)
		return err
	})
	switch {
	case err != nil:
		return nil, err
	case len(out.GetFound()) == 1 && nameOf(out.GetFound()[0].GetEntity()) == key:
		return out.GetFound()[0], nil
	case len(out.GetMissing()) == 1 && nameOf(out.GetMissing()[0].GetEntity()) == key:
		return nil, store.Absent()
	}
	return nil, store.Unavailable(errNotGoogle) // or it was deferred
}

// nameOf returns the name in an entity's key; "" if it has a number.
func nameOf(entity *datastorepb.Entity) string {
	path := entity.GetKey().GetPath()
	if len(path) == 0 {
		return ""
	}
	return path[len(path)-1].GetName()
}

const errOtherEntity = credential.Remedy(`the entity's property "Value" is not a text: a config is stored as daprd stores state`)

func textOf(entity *datastorepb.Entity) ([]byte, error) {
	value, ok := entity.GetProperties()[valueProperty].GetValueType().(*datastorepb.Value_StringValue)
	if !ok {
		return nil, store.Unable(errOtherEntity)
	}
	return []byte(value.StringValue), nil
}

// Set stores an entity.
func (c *firestoreConn) Set(ctx context.Context, key string, data []byte) error {
	entity := &datastorepb.Entity{Key: c.keyOf(key)}
	_, err := c.commit(ctx, key, data, &datastorepb.Mutation{Operation: &datastorepb.Mutation_Upsert{Upsert: entity}})
	return err
}

const errText = credential.Remedy("Firestore stores a text of at most 1048487 bytes of UTF-8")

// commit makes a change that stores data. refused means that the entity has another version than
// the change is for.
func (c *firestoreConn) commit(ctx context.Context, key string, data []byte, change *datastorepb.Mutation) (refused bool, err error) {
	switch {
	case key == "" || len(key) > maxKeyName || !utf8.ValidString(key):
		return false, store.Unable(errKeyName)
	case len(data) > maxText || !utf8.Valid(data):
		return false, store.Unable(errText)
	}
	for _, entity := range []*datastorepb.Entity{change.GetUpsert(), change.GetUpdate()} {
		if entity == nil {
			continue
		}
		if entity.Properties == nil {
			entity.Properties = map[string]*datastorepb.Value{}
		}
		entity.Properties[valueProperty] = &datastorepb.Value{
			ValueType: &datastorepb.Value_StringValue{StringValue: string(data)}, ExcludeFromIndexes: true,
		}
	}
	req := &datastorepb.CommitRequest{
		ProjectId: c.project, Mode: datastorepb.CommitRequest_NON_TRANSACTIONAL, Mutations: []*datastorepb.Mutation{change},
	}
	var out *datastorepb.CommitResponse
	err = c.ask(ctx, "datastore.entities.update", small, func(ctx context.Context, options ...grpc.CallOption) (err error) {
		out, err = c.client.Commit(ctx, req, options...)
		return err
	})
	switch {
	case err != nil:
		return false, err
	case len(out.GetMutationResults()) != 1:
		return false, store.Unavailable(errNotGoogle)
	case out.GetMutationResults()[0].GetConflictDetected():
		return true, errConflict
	}
	return false, nil
}

// errConflict is the failure of a conditional write, until the entity was read again.
var errConflict = store.Unavailable(errors.New("firestore refused a conditional write"))

// Replace stores an entity if the stored one is still old. It keeps its other properties.
func (c *firestoreConn) Replace(ctx context.Context, key string, old, data []byte) error {
	return store.ReplaceIfOld(old, data, func() ([]byte, *datastorepb.EntityResult, error) {
		found, err := c.read(ctx, key)
		if err != nil {
			return nil, nil, err
		}
		now, err := textOf(found.GetEntity())
		return now, found, err
	}, func(found *datastorepb.EntityResult) (bool, error) {
		return c.commit(ctx, key, data, &datastorepb.Mutation{
			// An upsert, because an update of an entity that is gone fails like one of a database that is.
			Operation:                 &datastorepb.Mutation_Upsert{Upsert: proto.CloneOf(found.GetEntity())},
			ConflictDetectionStrategy: &datastorepb.Mutation_BaseVersion{BaseVersion: found.GetVersion()},
		})
	})
}

// Delete deletes an entity. Google does not report whether it existed.
func (c *firestoreConn) Delete(ctx context.Context, key string) error {
	_, err := c.commit(ctx, key, nil, &datastorepb.Mutation{Operation: &datastorepb.Mutation_Delete{Delete: c.keyOf(key)}})
	return err
}

// afterGUIDs is greater than every character of a GUID.
const afterGUIDs = "\x7f"

// List lists one page of the keys that have the template's prefix. The token is the cursor at the end
// of the page before.
func (c *firestoreConn) List(ctx context.Context, key store.KeyTemplate, token string) (store.Page, error) {
	start, err := base64.RawStdEncoding.DecodeString(token)
	if err != nil {
		return store.Page{}, store.Unable(err)
	}
	query := &datastorepb.Query{
		Kind:       []*datastorepb.KindExpression{{Name: c.kind}},
		Projection: []*datastorepb.Projection{{Property: &datastorepb.PropertyReference{Name: keyProperty}}},
		Order:      []*datastorepb.PropertyOrder{{Property: &datastorepb.PropertyReference{Name: keyProperty}}},
		Limit:      wrapperspb.Int32(listPage), StartCursor: start,
	}
	if prefix := key.Prefix(); prefix != "" {
		query.Filter = allOf(
			keyFilter(datastorepb.PropertyFilter_GREATER_THAN_OR_EQUAL, c.keyOf(prefix)),
			keyFilter(datastorepb.PropertyFilter_LESS_THAN, c.keyOf(prefix+afterGUIDs)))
	}
	req := &datastorepb.RunQueryRequest{
		ProjectId: c.project, PartitionId: &datastorepb.PartitionId{ProjectId: c.project},
		QueryType: &datastorepb.RunQueryRequest_Query{Query: query},
	}
	var out *datastorepb.RunQueryResponse
	err = c.ask(ctx, "datastore.entities.list", large, func(ctx context.Context, options ...grpc.CallOption) (err error) {
		out, err = c.client.RunQuery(ctx, req, options...)
		return err
	})
	batch := out.GetBatch()
	switch {
	case err != nil:
		return store.Page{}, err
	case batch == nil:
		return store.Page{}, store.Unavailable(errNotGoogle)
	}
	var p store.Page
	for _, found := range batch.GetEntityResults() {
		if guid, ok := key.GUID(nameOf(found.GetEntity())); ok {
			p.GUIDs = append(p.GUIDs, guid)
		}
	}
	next := base64.RawStdEncoding.EncodeToString(batch.GetEndCursor())
	switch batch.GetMoreResults() {
	case datastorepb.QueryResultBatch_NOT_FINISHED:
		p.Next = next
	case datastorepb.QueryResultBatch_MORE_RESULTS_AFTER_LIMIT:
		if len(batch.GetEntityResults()) > 0 { // an emulator may say so after the last one
			p.Next = next
		}
	}
	if p.Next == token && token != "" {
		return store.Page{}, store.Unavailable(errNotGoogle) // it would never end
	}
	return p, nil
}

func keyFilter(op datastorepb.PropertyFilter_Operator, key *datastorepb.Key) *datastorepb.Filter {
	return &datastorepb.Filter{FilterType: &datastorepb.Filter_PropertyFilter{PropertyFilter: &datastorepb.PropertyFilter{
		Property: &datastorepb.PropertyReference{Name: keyProperty}, Op: op,
		Value: &datastorepb.Value{ValueType: &datastorepb.Value_KeyValue{KeyValue: key}},
	}}}
}

func allOf(filters ...*datastorepb.Filter) *datastorepb.Filter {
	return &datastorepb.Filter{FilterType: &datastorepb.Filter_CompositeFilter{
		CompositeFilter: &datastorepb.CompositeFilter{Op: datastorepb.CompositeFilter_AND, Filters: filters},
	}}
}

const (
	errNoDatabase = credential.Remedy("the project has no database: create one named (default) in Datastore mode")
	errNative     = credential.Remedy("the database is in native mode: Dapr's store needs one in Datastore mode")
)

// ask makes a call whose answer has a bound.
func (c *firestoreConn) ask(ctx context.Context, permission string, most bound, do func(context.Context, ...grpc.CallOption) error) error {
	headers := []string{routing, "project_id=" + url.QueryEscape(c.project), "google-cloud-resource-prefix", "projects/" + url.QueryEscape(c.project)}
	var special error
	err := c.call(ctx, permission, headers, func(ctx context.Context) error {
		err := within(ctx, c.alone, most, do)
		special = databaseFailure(err)
		return err
	})
	if special != nil {
		return special
	}
	return err
}

// databaseFailure returns the failure of a call that is about the database; nil if err is another
// one. A missing database is not a missing config.
func databaseFailure(err error) error {
	said := status.Convert(err)
	switch code := said.Code(); {
	case code == codes.NotFound:
		return store.Unavailable(errNoDatabase)
	case (code == codes.FailedPrecondition || code == codes.InvalidArgument) && strings.Contains(said.Message(), "Native"):
		return store.Unavailable(errNative)
	}
	return nil
}
