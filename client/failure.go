package client

import (
	"context"
	"errors"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// asked describes a request to daprd. daprd's error text repeats these names.
type asked struct {
	store   string // the Component's name
	key     string // the secret's name; "" for a binding
	prefix  string // the text that daprd puts before the error of a store or a binding
	binding bool
}

// secretPrefix and bindingPrefix return the text that daprd 1.18 puts before the error of a
// store (messages.ErrSecretGet) and of a binding (messages.ErrInvokeOutputBinding).
func secretPrefix(store, key string) string {
	return "failed getting secret with key " + key + " from secret store " + store + ": "
}

func bindingPrefix(binding string) string { return "error invoking output binding " + binding + ": " }

// failure converts the error of a Dapr client to an [Error].
func (a asked) failure(ctx context.Context, err error) *Error {
	code, text := statusOf(err)
	e := a.parse(code, text)
	switch { // an ended context wins over daprd's text: the caller no longer waits
	case code == codes.DeadlineExceeded, errors.Is(ctx.Err(), context.DeadlineExceeded):
		// daprd knows the call's deadline, and may report it before ctx does.
		e = &Error{Code: codes.DeadlineExceeded, Reason: "daprd did not answer in time", ended: context.DeadlineExceeded}
	case errors.Is(ctx.Err(), context.Canceled):
		e = &Error{Code: codes.Canceled, Reason: "the caller canceled the call", ended: context.Canceled}
	}
	if e.GUID == "" {
		e.Store = a.store
	}
	e.detail = func() string { return text }
	return e
}

// statusOf returns the gRPC code and message of an error, without the Dapr SDK's wrapping. An
// error without a gRPC status comes from an HTTP client: its code is Unknown.
func statusOf(err error) (codes.Code, string) {
	var coded interface{ GRPCStatus() *status.Status }
	if errors.As(err, &coded) {
		s := coded.GRPCStatus()
		return s.Code(), s.Message()
	}
	return codes.Unknown, err.Error()
}
