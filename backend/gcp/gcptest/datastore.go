package gcptest

import (
	"cmp"
	"context"
	"crypto/tls"
	"slices"
	"strings"
	"sync"

	"cloud.google.com/go/datastore/apiv1/datastorepb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

// Datastore is the database of a project in Firestore's Datastore mode, in memory. It knows the
// requests that a store of configs makes: lookups, commits without a transaction, and queries for
// the keys of a kind.
type Datastore struct {
	datastorepb.UnimplementedDatastoreServer
	*Server

	mu        sync.Mutex
	token     string // that requests must have; "" means none
	version   int64
	entities  []*datastorepb.EntityResult
	fail      error
	header    metadata.MD
	commits   []*datastorepb.CommitRequest
	intervene func()
}

// NewDatastore starts a database. A request must have the token; "" means that it must have none.
func NewDatastore(config *tls.Config, token string) (*Datastore, error) {
	d := &Datastore{token: token}
	var err error
	d.Server, err = newServer(config, func(s *grpc.Server) { datastorepb.RegisterDatastoreServer(s, d) })
	return d, err
}

// Key returns the key of an entity.
func Key(kind, name string) *datastorepb.Key {
	return &datastorepb.Key{
		PartitionId: &datastorepb.PartitionId{ProjectId: Project},
		Path:        []*datastorepb.Key_PathElement{{Kind: kind, IdType: &datastorepb.Key_PathElement_Name{Name: name}}},
	}
}

// Text returns a value that is a text.
func Text(text string) *datastorepb.Value {
	return &datastorepb.Value{ValueType: &datastorepb.Value_StringValue{StringValue: text}}
}

// Put stores an entity.
func (d *Datastore) Put(kind, name string, properties map[string]*datastorepb.Value) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.put(&datastorepb.Entity{Key: Key(kind, name), Properties: properties})
}

// Delete deletes an entity.
func (d *Datastore) Delete(kind, name string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.delete(Key(kind, name))
}

// Fail makes all requests fail; nil means no longer.
func (d *Datastore) Fail(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fail = err
}

// Intervene calls f once, before the next commit.
func (d *Datastore) Intervene(f func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.intervene = f
}

// Last returns the header of the last request, and all commits.
func (d *Datastore) Last() (metadata.MD, []*datastorepb.CommitRequest) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.header, slices.Clone(d.commits)
}

// admit checks a request, with mu held.
func (d *Datastore) admit(ctx context.Context) error {
	d.header, _ = metadata.FromIncomingContext(ctx)
	if given := strings.Join(d.header.Get("authorization"), ","); d.token != "" && given != "Bearer "+d.token || d.token == "" && given != "" {
		return status.Error(codes.Unauthenticated, "Request had invalid authentication credentials.")
	}
	return d.fail
}

// Lookup implements Google's interface.
func (d *Datastore) Lookup(ctx context.Context, req *datastorepb.LookupRequest) (*datastorepb.LookupResponse, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.admit(ctx); err != nil {
		return nil, err
	}
	out := &datastorepb.LookupResponse{}
	for _, key := range req.GetKeys() {
		if i := d.index(key); i >= 0 {
			out.Found = append(out.Found, proto.CloneOf(d.entities[i]))
		} else {
			out.Missing = append(out.Missing, &datastorepb.EntityResult{Entity: &datastorepb.Entity{Key: key}})
		}
	}
	return out, nil
}

// Commit implements Google's interface. A mutation with an old version is not applied.
func (d *Datastore) Commit(ctx context.Context, req *datastorepb.CommitRequest) (*datastorepb.CommitResponse, error) {
	d.mu.Lock()
	intervene := d.intervene
	d.intervene = nil
	d.mu.Unlock()
	if intervene != nil {
		intervene()
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.admit(ctx); err != nil {
		return nil, err
	}
	if req.GetMode() != datastorepb.CommitRequest_NON_TRANSACTIONAL {
		return nil, status.Error(codes.InvalidArgument, "only commits without a transaction are known here")
	}
	d.commits = append(d.commits, req)
	out := &datastorepb.CommitResponse{}
	for _, change := range req.GetMutations() {
		result := &datastorepb.MutationResult{}
		key := cmp.Or(change.GetDelete(), change.GetUpsert().GetKey())
		now := int64(0)
		if i := d.index(key); i >= 0 {
			now = d.entities[i].GetVersion()
		}
		base, conditional := change.GetConflictDetectionStrategy().(*datastorepb.Mutation_BaseVersion)
		switch {
		case conditional && base.BaseVersion != now:
			result.ConflictDetected = true
		case change.GetDelete() != nil:
			d.delete(key)
		default:
			d.put(proto.CloneOf(change.GetUpsert()))
		}
		out.MutationResults = append(out.MutationResults, result)
	}
	return out, nil
}

// RunQuery implements Google's interface. The cursor is the last name.
func (d *Datastore) RunQuery(ctx context.Context, req *datastorepb.RunQueryRequest) (*datastorepb.RunQueryResponse, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.admit(ctx); err != nil {
		return nil, err
	}
	query := req.GetQuery()
	from, to := "", "\xff"
	for _, filter := range query.GetFilter().GetCompositeFilter().GetFilters() {
		name := nameOf(filter.GetPropertyFilter().GetValue().GetKeyValue())
		switch filter.GetPropertyFilter().GetOp() {
		case datastorepb.PropertyFilter_GREATER_THAN_OR_EQUAL:
			from = name
		case datastorepb.PropertyFilter_LESS_THAN:
			to = name
		}
	}
	batch := &datastorepb.QueryResultBatch{
		EntityResultType: datastorepb.EntityResult_KEY_ONLY, MoreResults: datastorepb.QueryResultBatch_NO_MORE_RESULTS,
	}
	for _, found := range d.entities {
		name := nameOf(found.GetEntity().GetKey())
		if kindOf(found.GetEntity().GetKey()) != query.GetKind()[0].GetName() || name < from || name >= to || name <= string(query.GetStartCursor()) {
			continue
		}
		if len(batch.EntityResults) == int(query.GetLimit().GetValue()) {
			batch.MoreResults = datastorepb.QueryResultBatch_MORE_RESULTS_AFTER_LIMIT
			break
		}
		batch.EntityResults = append(batch.EntityResults, &datastorepb.EntityResult{Entity: &datastorepb.Entity{Key: found.GetEntity().GetKey()}})
		batch.EndCursor = []byte(name)
	}
	return &datastorepb.RunQueryResponse{Batch: batch}, nil
}

func nameOf(key *datastorepb.Key) string { return key.GetPath()[len(key.GetPath())-1].GetName() }
func kindOf(key *datastorepb.Key) string { return key.GetPath()[len(key.GetPath())-1].GetKind() }

// index returns where an entity is, with mu held; -1 if it does not exist. A key may be without its
// project.
func (d *Datastore) index(key *datastorepb.Key) int {
	return slices.IndexFunc(d.entities, func(r *datastorepb.EntityResult) bool {
		found := r.GetEntity().GetKey()
		return nameOf(found) == nameOf(key) && kindOf(found) == kindOf(key)
	})
}

func (d *Datastore) put(entity *datastorepb.Entity) {
	d.delete(entity.GetKey())
	d.version++
	entity.Key = Key(kindOf(entity.GetKey()), nameOf(entity.GetKey()))
	d.entities = append(d.entities, &datastorepb.EntityResult{Entity: entity, Version: d.version})
	slices.SortFunc(d.entities, func(a, b *datastorepb.EntityResult) int {
		return cmp.Compare(nameOf(a.GetEntity().GetKey()), nameOf(b.GetEntity().GetKey()))
	})
}

func (d *Datastore) delete(key *datastorepb.Key) {
	if i := d.index(key); i >= 0 {
		d.entities = slices.Delete(d.entities, i, i+1)
	}
}
