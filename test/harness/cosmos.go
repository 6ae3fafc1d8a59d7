package harness

import (
	"context"
	"encoding/base64"
	"strconv"

	"github.com/Azure/azure-sdk-for-go/sdk/data/azcosmos"
)

// Cosmos is an emulator of Cosmos DB in memory. It does not check who asks.
type Cosmos struct {
	*Server

	// Account is the account, as an administrator uses it.
	Account *azcosmos.Client
}

// CosmosKey is a key that every server accepts.
var CosmosKey = base64.StdEncoding.EncodeToString([]byte("canary-of-cosmos-db"))

// StartCosmos starts an emulator with the given program.
func StartCosmos(ctx context.Context, path string) (*Cosmos, error) {
	server, err := newServer(serverSpec{path: path, args: func(s *Server) []string {
		return []string{strconv.Itoa(s.port)}
	}})
	if err != nil {
		return nil, err
	}
	c := &Cosmos{Server: server}
	if err := c.Start(ctx); err != nil {
		return c, err
	}
	key, err := azcosmos.NewKeyCredential(CosmosKey)
	if err != nil {
		return c, err
	}
	c.Account, err = azcosmos.NewClientWithKey(c.URL(), key, nil)
	return c, err
}

// URL returns the address of the account.
func (c *Cosmos) URL() string { return "http://" + c.Address + "/" }

// CreateCollection creates a collection, and its database if that does not exist.
func (c *Cosmos) CreateCollection(ctx context.Context, database, collection, partitionKey string) error {
	_, _ = c.Account.CreateDatabase(ctx, azcosmos.DatabaseProperties{ID: database}, nil) // it may exist
	of, err := c.Account.NewDatabase(database)
	if err != nil {
		return err
	}
	_, err = of.CreateContainer(ctx, azcosmos.ContainerProperties{
		ID: collection, PartitionKeyDefinition: azcosmos.PartitionKeyDefinition{Paths: []string{partitionKey}},
	}, nil)
	return err
}
