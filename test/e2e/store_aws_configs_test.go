//go:build e2e && cloud

package e2e

import (
	"testing"

	"github.com/stretchr/testify/require"

	"credential-resolver/test/harness"
)

// emulated returns the metadata that moto needs.
func emulated(moto *harness.Moto) map[string]any {
	return map[string]any{
		"configStore.endpoint": moto.URL(), "configStore.accessKey": "AKIACANARY", "configStore.secretKey": awsCanary,
	}
}

func TestCloudS3(t *testing.T) {
	t.Parallel()
	moto := startMoto(t)
	c := configStoreCase{kind: "bindings.aws.s3", server: moto.Server, emulator: emulated(moto), canaries: []string{awsCanary}, connectionless: true}
	c.emulator["configStore.forcePathStyle"] = "true" // the name of a bucket is no host here
	c.create = func(t *testing.T) { require.NoError(t, moto.CreateBucket(t.Context(), "credential-configs")) }
	c.run(t)
}

func TestCloudDynamoDB(t *testing.T) {
	t.Parallel()
	moto := startMoto(t)
	c := configStoreCase{kind: "state.aws.dynamodb", server: moto.Server, emulator: emulated(moto), canaries: []string{awsCanary}, connectionless: true}
	c.create = func(t *testing.T) { require.NoError(t, moto.CreateTable(t.Context(), "credential-configs", "key")) }
	c.run(t)
}
