package credential_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"

	"credential-resolver/resolver/credential"
)

// Section 5, its table.
func TestTheKinds(t *testing.T) {
	for _, row := range []struct {
		kind  credential.Kind
		words string
		retry bool
	}{
		{credential.Internal, "internal", false},
		{credential.InvalidRequest, "invalid request", false},
		{credential.NotFound, "not found", false},
		{credential.FailedPrecondition, "failed precondition", false},
		{credential.Denied, "denied", false},
		{credential.Unavailable, "unavailable", true},
		{credential.Timeout, "timeout", true},
		{credential.TooLarge, "too large", false},
		{credential.Kind(200), "internal", false},
	} {
		assert.Equal(t, row.words, row.kind.Error())
		assert.Equal(t, row.retry, row.kind.Retryable(), row.words)
		assert.Equal(t, "store: "+row.words, (&credential.StoreError{Kind: row.kind}).Error())
	}
	assert.Equal(t, credential.Kind(0), credential.Internal, "what nobody classified is a fault of ours")
}

func TestTheKindOfAnError(t *testing.T) {
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
		{"nor is what only reads like one", errors.New("secret not found"), credential.Unavailable},
	} {
		t.Run(row.name, func(t *testing.T) { assert.Equal(t, row.want, credential.KindOf(row.err)) })
	}
}

func TestAStoreErrorIsItsKindAndItsCause(t *testing.T) {
	theirs := errors.New("their words")
	err := fmt.Errorf("x: %w", &credential.StoreError{Kind: credential.Denied, Err: theirs})
	assert.ErrorIs(t, err, credential.Denied)
	assert.NotErrorIs(t, err, credential.Internal)
	assert.ErrorIs(t, err, theirs)
	assert.NotErrorIs(t, &credential.StoreError{}, theirs)
}
