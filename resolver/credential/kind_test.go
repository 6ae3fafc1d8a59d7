package credential_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"google.golang.org/grpc/codes"

	"credential-resolver/resolver/credential"
)

// Section 5, the table.
func TestKindHasNameCodeAndRetryable(t *testing.T) {
	for _, row := range []struct {
		kind  credential.Kind
		words string
		code  codes.Code
		retry bool
	}{
		{credential.Internal, "internal", codes.Internal, false},
		{credential.InvalidRequest, "invalid request", codes.InvalidArgument, false},
		{credential.NotFound, "not found", codes.NotFound, false},
		{credential.FailedPrecondition, "failed precondition", codes.FailedPrecondition, false},
		{credential.Denied, "denied", codes.PermissionDenied, false},
		{credential.Unavailable, "unavailable", codes.Unavailable, true},
		{credential.Timeout, "timeout", codes.DeadlineExceeded, true},
		{credential.TooLarge, "too large", codes.ResourceExhausted, false},
		{credential.Kind(200), "internal", codes.Internal, false},
	} {
		assert.Equal(t, row.words, row.kind.Error())
		assert.Equal(t, row.code, codes.Code(row.kind.GRPCCode()), row.words)
		assert.Equal(t, row.retry, row.kind.Retryable(), row.words)
		assert.Equal(t, "store: "+row.words, (&credential.StoreError{Kind: row.kind}).Error())
	}
	assert.Equal(t, credential.TooLarge+1, credential.Kind(8), "each kind needs a row here")
	assert.Equal(t, credential.Kind(0), credential.Internal, "an unclassified error is Internal")
}

func TestKindOfGRPCCode(t *testing.T) {
	for kind := credential.Internal; kind <= credential.TooLarge; kind++ {
		assert.Equal(t, kind, credential.KindOfGRPCCode(kind.GRPCCode()))
	}
	for _, code := range []codes.Code{codes.OK, codes.Canceled, codes.Unknown, codes.Aborted, codes.Unauthenticated, 99} {
		assert.Equal(t, credential.Internal, credential.KindOfGRPCCode(uint32(code)), code)
	}
}

func TestKindOf(t *testing.T) {
	theirs := errors.New("their words")
	for _, row := range []struct {
		name string
		err  error
		want credential.Kind
	}{
		{"ours", &credential.Error{Kind: credential.TooLarge}, credential.TooLarge},
		{"ours, wrapped", fmt.Errorf("x: %w", &credential.Error{Kind: credential.Denied}), credential.Denied},
		{"a store's", &credential.StoreError{Kind: credential.NotFound, Err: theirs}, credential.NotFound},
		{"a store's, wrapped", fmt.Errorf("x: %w", &credential.StoreError{Kind: credential.Denied}), credential.Denied},
		{"a store's, whatever it wraps", &credential.StoreError{Kind: credential.Unavailable, Err: context.DeadlineExceeded}, credential.Unavailable},
		{"a kind", credential.Timeout, credential.Timeout},
		{"a kind, wrapped", fmt.Errorf("x: %w", credential.NotFound), credential.NotFound},
		{"a deadline", context.DeadlineExceeded, credential.Timeout},
		{"a deadline, wrapped", fmt.Errorf("x: %w", context.DeadlineExceeded), credential.Timeout},
		{"a caller that went away", context.Canceled, credential.Unavailable},
		{"anything else is no miss", theirs, credential.Unavailable},
		{"an error that only reads like one", errors.New("secret not found"), credential.Unavailable},
	} {
		t.Run(row.name, func(t *testing.T) { assert.Equal(t, row.want, credential.KindOf(row.err)) })
	}
}

func TestStoreErrorMatchesItsKindAndCause(t *testing.T) {
	theirs := errors.New("their words")
	err := fmt.Errorf("x: %w", &credential.StoreError{Kind: credential.Denied, Err: theirs})
	assert.ErrorIs(t, err, credential.Denied)
	assert.NotErrorIs(t, err, credential.Internal)
	assert.ErrorIs(t, err, theirs)
	assert.NotErrorIs(t, &credential.StoreError{}, theirs)
}
