package client

import (
	"context"
	"errors"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// asked is what daprd was asked, which its words repeat.
type asked struct {
	store   string // the Component's name
	key     string // the secret's; "" for a binding
	prefix  string // what daprd puts before the words of a store or a binding
	binding bool
}

// secretPrefix and bindingPrefix are what daprd 1.18 puts before the words of a store
// (its messages.ErrSecretGet) and of a binding (messages.ErrInvokeOutputBinding).
func secretPrefix(store, key string) string {
	return "failed getting secret with key " + key + " from secret store " + store + ": "
}

func bindingPrefix(binding string) string { return "error invoking output binding " + binding + ": " }

// failure makes this package's error of what a Dapr client returned.
func (a asked) failure(ctx context.Context, err error) *Error {
	code, text := statusOf(err)
	e := a.parse(code, text)
	switch { // whatever it says: nobody has waited for it
	case code == codes.DeadlineExceeded, errors.Is(ctx.Err(), context.DeadlineExceeded):
		// daprd, which knows the time that the call has, may be the first to say so.
		e = &Error{Code: codes.DeadlineExceeded, Reason: "daprd did not answer in time", ended: context.DeadlineExceeded}
	case errors.Is(ctx.Err(), context.Canceled):
		e = &Error{Code: codes.Canceled, Reason: "the caller has left", ended: context.Canceled}
	}
	if e.GUID == "" {
		e.Store = a.store
	}
	e.detail = func() string { return text }
	return e
}

// statusOf returns the gRPC code and message that are in an error, without what the
// Dapr SDK wraps them in; an error without any is of a client that speaks HTTP.
func statusOf(err error) (codes.Code, string) {
	var coded interface{ GRPCStatus() *status.Status }
	if errors.As(err, &coded) {
		s := coded.GRPCStatus()
		return s.Code(), s.Message()
	}
	return codes.Unknown, err.Error()
}
