package gcp

import (
	"context"
	"errors"
	"unicode/utf8"

	"cloud.google.com/go/datastore/apiv1/datastorepb"
	"golang.org/x/sync/semaphore"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"github.com/dapr/kit/logger"

	"credential-resolver/backend/store"
	"credential-resolver/internal/wirelimit"
	"credential-resolver/resolver/credential"
)

// firestoreSettings are the metadata of Firestore.
type firestoreSettings struct {
	Common settings `mapstructure:",squash"`

	Kind    string `mapstructure:"entity_kind" mapstructurealiases:"entityKind"`
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
	if err := store.CheckBooleans(fields, "noIndex"); err != nil {
		return err
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
	s, err := store.Decode[firestoreSettings](fields)
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
