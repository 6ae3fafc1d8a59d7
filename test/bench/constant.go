package main

import (
	"context"
	"os"

	"github.com/dapr/components-contrib/metadata"
	"github.com/dapr/components-contrib/secretstores"
	"github.com/dapr/kit/logger"

	"credential-resolver/component/pluggable"
	"credential-resolver/test/harness"
)

// constantName is what daprd knows the constant component by.
const constantName = "constant"

// constant is a secret store that has one answer: as many entries as the sample
// credential has.
type constant struct {
	answer secretstores.GetSecretResponse
}

var _ secretstores.SecretStore = constant{}

func newConstant() secretstores.SecretStore {
	return constant{secretstores.GetSecretResponse{Data: map[string]string{
		"credentialSource": "agent", "secret-path": "analytics-db", "host": "db.example.com", "port": "5432",
		"database": "analytics", "username": "app_user", "password": "correct-horse-battery-staple",
		"ssl_cert": "-----BEGIN CERTIFICATE-----\nMIIBszCCAVmgAwIBAgIUSampleOnly\n-----END CERTIFICATE-----\n",
	}}}
}

func (constant) Init(context.Context, secretstores.Metadata) error { return nil }

func (c constant) GetSecret(context.Context, secretstores.GetSecretRequest) (secretstores.GetSecretResponse, error) {
	return c.answer, nil
}

func (c constant) BulkGetSecret(context.Context, secretstores.BulkGetSecretRequest) (secretstores.BulkGetSecretResponse, error) {
	return secretstores.BulkGetSecretResponse{}, nil
}

func (constant) Features() []secretstores.Feature { return nil }

func (constant) GetComponentMetadata() metadata.MetadataMap { return nil }

func (constant) Close() error { return nil }

// serveConstant serves the constant component until ctx ends.
func serveConstant(ctx context.Context) error {
	server, err := pluggable.New(pluggable.Options{
		Name: constantName, NewSecretStore: newConstant, Logger: logger.NewLogger(constantName),
	})
	if err != nil {
		return err
	}
	return server.Run(ctx)
}

// startConstant starts this program again, as the constant component.
func startConstant(ctx context.Context, folder string) (*harness.Process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return harness.StartPluggable(ctx, self, folder, constantName, "-constant")
}
