package resolver_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"

	"credential-resolver/resolver"
)

// Section 5, its table.
func TestTheKinds(t *testing.T) {
	for _, row := range []struct {
		kind  resolver.Kind
		words string
		retry bool
	}{
		{resolver.Internal, "internal", false},
		{resolver.InvalidRequest, "invalid request", false},
		{resolver.NotFound, "not found", false},
		{resolver.FailedPrecondition, "failed precondition", false},
		{resolver.Denied, "denied", false},
		{resolver.Unavailable, "unavailable", true},
		{resolver.Timeout, "timeout", true},
		{resolver.TooLarge, "too large", false},
		{resolver.Kind(200), "internal", false},
	} {
		assert.Equal(t, row.words, row.kind.Error())
		assert.Equal(t, row.retry, row.kind.Retryable(), row.words)
		assert.Equal(t, "store: "+row.words, (&resolver.StoreError{Kind: row.kind}).Error())
	}
	assert.Equal(t, resolver.Kind(0), resolver.Internal, "what nobody classified is a fault of ours")
}

func TestTheKindOfAnError(t *testing.T) {
	theirs := errors.New("their words")
	for _, row := range []struct {
		name string
		err  error
		want resolver.Kind
	}{
		{"ours", &resolver.Error{Kind: resolver.TooLarge}, resolver.TooLarge},
		{"ours, wrapped", fmt.Errorf("x: %w", &resolver.Error{Kind: resolver.Denied}), resolver.Denied},
		{"a store's", &resolver.StoreError{Kind: resolver.NotFound, Err: theirs}, resolver.NotFound},
		{"a store's, wrapped", fmt.Errorf("x: %w", &resolver.StoreError{Kind: resolver.Denied}), resolver.Denied},
		{"a store's, whatever it wraps", &resolver.StoreError{Kind: resolver.Unavailable, Err: context.DeadlineExceeded}, resolver.Unavailable},
		{"a kind", resolver.Timeout, resolver.Timeout},
		{"a kind, wrapped", fmt.Errorf("x: %w", resolver.NotFound), resolver.NotFound},
		{"a deadline", context.DeadlineExceeded, resolver.Timeout},
		{"a deadline, wrapped", fmt.Errorf("x: %w", context.DeadlineExceeded), resolver.Timeout},
		{"a caller that went away", context.Canceled, resolver.Unavailable},
		{"anything else is no miss", theirs, resolver.Unavailable},
		{"nor is what only reads like one", errors.New("secret not found"), resolver.Unavailable},
	} {
		t.Run(row.name, func(t *testing.T) { assert.Equal(t, row.want, resolver.KindOf(row.err)) })
	}
}

func TestAStoreErrorIsItsKindAndItsCause(t *testing.T) {
	theirs := errors.New("their words")
	err := fmt.Errorf("x: %w", &resolver.StoreError{Kind: resolver.Denied, Err: theirs})
	assert.ErrorIs(t, err, resolver.Denied)
	assert.NotErrorIs(t, err, resolver.Internal)
	assert.ErrorIs(t, err, theirs)
	assert.NotErrorIs(t, &resolver.StoreError{}, theirs)
}
