package pluggable_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/dapr/components-contrib/secretstores"

	"credential-resolver/component/pluggable"
	"credential-resolver/internal/canary"
	"credential-resolver/internal/logtext"
)

func TestAnySecretStoreIsServed(t *testing.T) {
	s := serve(t, &echoes{}, nil)
	c := initialise(t, s, "shouting", map[string]string{"say": "hi", "secret": "öäü"})

	t.Run("Get passes the whole request and answer on", func(t *testing.T) {
		resp, err := c.GetSecret(t.Context(), secretstores.GetSecretRequest{
			Name: "a/b c", Metadata: map[string]string{"format": "json", "empty": ""},
		})
		require.NoError(t, err)
		assert.Equal(t, map[string]string{
			"echo": "A/B C", "component": "shouting",
			"property.say": "hi", "property.secret": "öäü",
			"metadata.format": "json", "metadata.empty": "",
		}, resp.Data)
	})
	t.Run("BulkGet passes metadata and answer on", func(t *testing.T) {
		resp, err := c.BulkGetSecret(t.Context(), secretstores.BulkGetSecretRequest{
			Metadata: map[string]string{"namespace": "n"},
		})
		require.NoError(t, err)
		assert.Equal(t, map[string]map[string]string{
			"one": {"echo": "ONE", "metadata.namespace": "n"}, "two": {"echo": "TWO"},
		}, resp.Data)
	})
	t.Run("Features come from the store", func(t *testing.T) {
		assert.Equal(t, []secretstores.Feature{secretstores.FeatureMultipleKeyValuesPerSecret}, c.Features())
	})
	t.Run("Ping is answered", func(t *testing.T) {
		assert.NoError(t, c.Ping())
	})
}

func TestASecretWithoutDataIsAnEmptyAnswer(t *testing.T) {
	stores := &echoes{get: func(context.Context, secretstores.GetSecretRequest) (secretstores.GetSecretResponse, error) {
		return secretstores.GetSecretResponse{}, nil
	}}
	data, err := get(initialise(t, serve(t, stores, nil), "c", nil), "x")
	require.NoError(t, err)
	assert.Empty(t, data)
}

func TestErrorsOfAStoreBecomeCodes(t *testing.T) {
	cases := map[string]struct {
		err  error
		code codes.Code
		text string
	}{
		"a status keeps its code and text": {
			status.Error(codes.FailedPrecondition, "not an object"), codes.FailedPrecondition, "not an object",
		},
		"a wrapped status keeps its code": {
			fmt.Errorf("outer: %w", status.Error(codes.NotFound, "none")), codes.NotFound, "none",
		},
		"a plain error is Unknown, with its text": {errors.New("plain"), codes.Unknown, "plain"},
		"running out of time is DeadlineExceeded": {
			fmt.Errorf("asking: %w", context.DeadlineExceeded), codes.DeadlineExceeded, "deadline exceeded",
		},
		"being cancelled is Canceled": {context.Canceled, codes.Canceled, "canceled"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			stores := &echoes{
				get: func(context.Context, secretstores.GetSecretRequest) (secretstores.GetSecretResponse, error) {
					return secretstores.GetSecretResponse{Data: map[string]string{"half": "an answer"}}, tc.err
				},
				bulk: func(context.Context, secretstores.BulkGetSecretRequest) (secretstores.BulkGetSecretResponse, error) {
					return secretstores.BulkGetSecretResponse{}, tc.err
				},
			}
			c := initialise(t, serve(t, stores, nil), "c", nil)

			data, err := get(c, "x")
			assert.Nil(t, data)
			assert.Equal(t, tc.code, status.Code(err))
			assert.ErrorContains(t, err, tc.text)

			_, err = c.BulkGetSecret(t.Context(), secretstores.BulkGetSecretRequest{})
			assert.Equal(t, tc.code, status.Code(err))
			assert.ErrorContains(t, err, tc.text)
		})
	}
}

func TestACallThatPanicsIsAnsweredAsInternalAndNothingElseSuffers(t *testing.T) {
	stores := &echoes{get: func(_ context.Context, req secretstores.GetSecretRequest) (secretstores.GetSecretResponse, error) {
		if req.Name == "panic" {
			panic("the password is " + canary.Secret)
		}
		return secretstores.GetSecretResponse{Data: map[string]string{"echo": "HELLO"}}, nil
	}}
	s := serve(t, stores, nil)
	c := initialise(t, s, "c", nil)

	_, err := get(c, "panic")

	assert.Equal(t, codes.Internal, status.Code(err))
	assert.NotContains(t, err.Error(), canary.Secret)
	assert.Contains(t, s.log.String(), "panicked")
	assert.NotContains(t, s.log.String(), canary.Secret)
	assertEchoes(t, c)
	s.stop()
	assert.Zero(t, stores.open(), "the call that panicked does not hold its store open")
}

func TestNewNeedsANameAStoreAndALogger(t *testing.T) {
	log := (&logtext.Text{}).Logger(t.Name())
	cases := map[string]struct {
		opts  pluggable.Options
		store func() secretstores.SecretStore
		says  string
	}{
		"without a name":         {pluggable.Options{Logger: log}, (&echoes{}).New, "no name"},
		"without a secret store": {pluggable.Options{Name: "n", Logger: log}, nil, "no secret store"},
		"without a logger":       {pluggable.Options{Name: "n"}, (&echoes{}).New, "no logger"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := pluggable.New(tc.opts, tc.store, nil)
			assert.ErrorContains(t, err, tc.says)
		})
	}
}
