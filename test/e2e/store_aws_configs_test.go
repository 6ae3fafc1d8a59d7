//go:build e2e && cloud

package e2e

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamotypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc/codes"

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

// TestCloudS3Objects asks for objects that somebody else stored.
func TestCloudS3Objects(t *testing.T) {
	t.Parallel()
	moto := startMoto(t)
	require.NoError(t, moto.CreateBucket(t.Context(), "credential-configs"))
	c := configStoreCase{kind: "bindings.aws.s3", server: moto.Server, emulator: emulated(moto), canaries: []string{awsCanary}}
	c.emulator["configStore.forcePathStyle"] = "true"
	put := func(ctx context.Context, guid, text string) error {
		_, err := moto.Objects.PutObject(ctx, &s3.PutObjectInput{
			Bucket: aws.String("credential-configs"), Key: aws.String("persistent-artifacts/apps/myapp/credentials/" + guid + "/config.json"),
			Body: strings.NewReader(text),
		})
		return err
	}
	s := newStores(t)
	side := startSidecar(t, harness.ComponentOptions{},
		c.component(t, "credentials", s, map[string]any{"allowBulk": "true", "cacheTTL": "1h"}),
		c.component(t, "elsewhere", s, map[string]any{"configStore.bucket": "another-bucket"}))

	require.NoError(t, put(t.Context(), "multi", `{"host":"first"}`))
	for range 2 {
		require.Equal(t, "first", c.ask(t, side, "credentials", "multi", "refresh=true").entries["host"])
	}
	require.Contains(t, moto.Log(), " 304 ", "an unchanged object must not be sent again")
	require.NoError(t, put(t.Context(), "multi", `{"host":"second"}`))
	require.Equal(t, "second", c.ask(t, side, "credentials", "multi", "refresh=true").entries["host"])
	_, err := moto.Objects.DeleteObject(t.Context(), &s3.DeleteObjectInput{
		Bucket: aws.String("credential-configs"), Key: aws.String("persistent-artifacts/apps/myapp/credentials/multi/config.json"),
	})
	require.NoError(t, err)
	require.Equal(t, codes.NotFound.String(), seenCode(t, c.ask(t, side, "credentials", "multi", "refresh=true").message))

	c.sees(t, side, "what holds the configs is missing", "elsewhere", "multi", codes.Unavailable)
	require.NoError(t, put(t.Context(), "huge", `{"host":"`+strings.Repeat("x", 1<<20)+`"}`))
	c.sees(t, side, "over 1 MiB", "credentials", "huge", codes.FailedPrecondition)
	require.NoError(t, put(t.Context(), "huge", `{"host":"x"}`))

	var puts errgroup.Group
	puts.SetLimit(8)
	for i := range 1001 {
		puts.Go(func() error { return put(t.Context(), fmt.Sprintf("many-%d", i), `{"host":"x"}`) })
	}
	require.NoError(t, puts.Wait())
	require.Len(t, strings.Fields(c.command(t, c.component(t, "credentials", s, nil), "list")), 1002)
	c.requireQuiet(t, side.component.Log())
}

// TestCloudDynamoDBItems asks for items that somebody else stored.
func TestCloudDynamoDBItems(t *testing.T) {
	t.Parallel()
	moto := startMoto(t)
	require.NoError(t, moto.CreateTable(t.Context(), "credential-configs", "key"))
	c := configStoreCase{kind: "state.aws.dynamodb", server: moto.Server, emulator: emulated(moto), canaries: []string{awsCanary}}
	put := func(guid string, value dynamotypes.AttributeValue, end string) {
		_, err := moto.Tables.PutItem(t.Context(), &dynamodb.PutItemInput{
			TableName: aws.String("credential-configs"), Item: map[string]dynamotypes.AttributeValue{
				"key": &dynamotypes.AttributeValueMemberS{Value: "myapp||" + guid}, "value": value,
				"end": &dynamotypes.AttributeValueMemberN{Value: end},
			},
		})
		require.NoError(t, err)
	}
	s := newStores(t)
	side := startSidecar(t, harness.ComponentOptions{},
		c.component(t, "credentials", s, map[string]any{"configStore.ttlAttributeName": "end"}),
		c.component(t, "elsewhere", s, map[string]any{"configStore.table": "another-table"}),
		c.component(t, "other-key", s, map[string]any{"configStore.partitionKey": "another"}))

	put("text", &dynamotypes.AttributeValueMemberS{Value: `{"a":1.50}`}, "9999999999")
	require.Equal(t, "1.50", c.ask(t, side, "credentials", "text").entries["a"])
	put("over", &dynamotypes.AttributeValueMemberS{Value: `{"a":1.50}`}, "1")
	require.Equal(t, codes.NotFound.String(), seenCode(t, c.ask(t, side, "credentials", "over").message))
	put("map", &dynamotypes.AttributeValueMemberM{}, "9999999999")
	c.sees(t, side, "stored by another program", "credentials", "map", codes.FailedPrecondition)
	c.sees(t, side, "what holds the configs is missing", "elsewhere", "multi", codes.Unavailable)
	c.sees(t, side, "another key", "other-key", "multi", codes.Unavailable)
	c.requireQuiet(t, side.component.Log())
}
