package gcp

import (
	"context"
	"encoding/base64"

	"cloud.google.com/go/datastore/apiv1/datastorepb"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"credential-resolver/backend/store"
)

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
