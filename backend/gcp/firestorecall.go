package gcp

import (
	"context"
	"net/url"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"credential-resolver/backend/store"
	"credential-resolver/resolver/credential"
)

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
