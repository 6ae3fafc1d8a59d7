package azure

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/data/azcosmos"

	"github.com/dapr/kit/logger"

	"credential-resolver/backend/store"
	"credential-resolver/resolver/credential"
)

// Cosmos is state.azure.cosmosdb: one item a config, in the form of contrib's store. A config that this
// program stores is binary, and exact. daprd stores an object, in which a config has lost the digits of
// long numbers, and perhaps its field order.
func Cosmos() store.Type[store.ConfigConn] {
	return store.Type[store.ConfigConn]{
		Fields: declared[cosmosSettings](),
		Required: map[string]string{
			"url":        "give the address of the account",
			"database":   "name the database that has the collection",
			"collection": "name the collection (container) that holds the configs",
		},
		Prepare: prepareCosmos,
		Connect: connectCosmos,
		Paths:   paths(),
	}
}

// cosmosConn is a connected collection.
type cosmosConn struct {
	*client

	collection *azcosmos.ContainerClient
}

var (
	_ store.ConfigConn = (*cosmosConn)(nil)
	_ store.Deleter    = (*cosmosConn)(nil)
	_ store.Replacer   = (*cosmosConn)(nil)
	_ store.Lister     = (*cosmosConn)(nil)
)

const (
	errCosmos       = credential.Remedy("url, database or collection cannot be used")
	errPartitionKey = credential.Remedy("the collection has another partition key: it must be /partitionKey, as Dapr's store needs it")
)

func connectCosmos(ctx context.Context, fields map[string]string, _ logger.Logger) (store.ConfigConn, error) {
	s, err := store.Decode[cosmosSettings](fields)
	if err != nil {
		return nil, store.Permanent(err)
	}
	c := newClient(s.Identity, false)
	collection, err := s.open(ctx, c)
	if err == nil {
		err = checkCollection(ctx, collection)
	}
	if err != nil {
		_ = c.Close()
		return nil, err
	}
	return &cosmosConn{c, collection}, nil
}

// checkCollection reads the properties of the collection. With another partition key, each item would
// look as if it did not exist.
func checkCollection(ctx context.Context, collection *azcosmos.ContainerClient) error {
	ctx, failure := witnessed(ctx)
	found, err := collection.Read(ctx, nil)
	if err != nil {
		err = failure.or(err)
		if saidStatus(err, http.StatusNotFound) {
			return store.Unavailable(errNoCollection)
		}
		return cosmosFailure(ctx, err)
	}
	if found.ContainerProperties == nil || found.ContainerProperties.ID == "" {
		return store.Unavailable(errNotAzure)
	}
	if paths := found.ContainerProperties.PartitionKeyDefinition.Paths; len(paths) != 1 || paths[0] != "/partitionKey" && paths[0] != "/id" {
		return store.Unavailable(errPartitionKey)
	}
	return nil
}

// item is a stored item.
type item map[string]json.RawMessage

// keyOf returns the partition key of an item.
func keyOfItem(key string) (azcosmos.PartitionKey, error) {
	if strings.ContainsAny(key, forbiddenInKeys) {
		return azcosmos.PartitionKey{}, store.Unable(errKeyCharacters)
	}
	return azcosmos.NewPartitionKeyString(key), nil
}

// Get reads an item.
func (c *cosmosConn) Get(ctx context.Context, key string) ([]byte, error) {
	found, _, err := c.read(ctx, key)
	if err != nil {
		return nil, err
	}
	return found.config()
}

func (c *cosmosConn) read(ctx context.Context, key string) (item, azcore.ETag, error) {
	partition, err := keyOfItem(key)
	if err != nil {
		return nil, "", err
	}
	out, err := c.collection.ReadItem(ctx, partition, key, nil)
	if err != nil {
		return nil, "", cosmosFailure(ctx, err)
	}
	var found item
	if err := json.Unmarshal(out.Value, &found); err != nil || found["id"] == nil {
		return nil, "", store.Unavailable(errNotAzure)
	}
	return found, out.ETag, nil
}

const errOtherItem = credential.Remedy("the item has no \"value\": a config is stored as daprd stores state")

// config returns the stored bytes. Text that is said to be base64 and is not is returned as it is, as in
// contrib's store.
func (i item) config() ([]byte, error) {
	var (
		text   string
		binary bool
	)
	value := i["value"]
	if value == nil || string(value) == "null" {
		return nil, store.Unable(errOtherItem)
	}
	if json.Unmarshal(value, &text) != nil {
		return value, nil // an object
	}
	_ = json.Unmarshal(i["isBinary"], &binary) // missing: a text
	if decoded, err := base64.StdEncoding.DecodeString(text); binary && err == nil {
		return decoded, nil
	}
	return []byte(text), nil
}

// with returns an item with another config.
func (i item) with(key string, data []byte) item {
	next := maps.Clone(i)
	for name, value := range map[string]any{"id": key, "partitionKey": key, "isBinary": true, "value": data} {
		next[name], _ = json.Marshal(value) // never fails
	}
	return next
}

// Set stores an item.
func (c *cosmosConn) Set(ctx context.Context, key string, data []byte) error {
	partition, err := keyOfItem(key)
	if err != nil {
		return err
	}
	text, _ := json.Marshal(item{}.with(key, data)) // never fails
	if _, err = c.collection.UpsertItem(ctx, partition, text, nil); err != nil {
		return cosmosFailure(ctx, err)
	}
	return nil
}

// Replace stores an item if the stored one is still old. The item keeps its other fields, such as its
// time to live.
func (c *cosmosConn) Replace(ctx context.Context, key string, old, data []byte) error {
	var found item
	return store.ReplaceIfOld(old, data, func() (now []byte, etag azcore.ETag, err error) {
		if found, etag, err = c.read(ctx, key); err != nil {
			return nil, "", err
		}
		now, err = found.config()
		return now, etag, err
	}, func(etag azcore.ETag) (bool, error) {
		text, _ := json.Marshal(found.with(key, data)) // never fails
		_, err := c.collection.ReplaceItem(ctx, azcosmos.NewPartitionKeyString(key), key, text, &azcosmos.ItemOptions{IfMatchEtag: &etag})
		switch {
		case err == nil:
			return false, nil
		case saidStatus(err, http.StatusPreconditionFailed, http.StatusNotFound):
			return true, errNotReplaced
		}
		return false, cosmosFailure(ctx, err)
	})
}

// Delete deletes an item.
func (c *cosmosConn) Delete(ctx context.Context, key string) error {
	partition, err := keyOfItem(key)
	if err != nil {
		return err
	}
	if _, err := c.collection.DeleteItem(ctx, partition, key, nil); err != nil {
		return cosmosFailure(ctx, err)
	}
	return nil
}

// List asks for one page of the items whose keys have the template's prefix, in all partitions.
func (c *cosmosConn) List(ctx context.Context, key store.KeyTemplate, token string) (store.Page, error) {
	query, options := "SELECT c.id FROM c", &azcosmos.QueryOptions{PageSizeHint: listPage}
	if prefix := key.Prefix(); prefix != "" {
		query += " WHERE STARTSWITH(c.id, @prefix)"
		options.QueryParameters = []azcosmos.QueryParameter{{Name: "@prefix", Value: prefix}}
	}
	if token != "" {
		options.ContinuationToken = &token
	}
	out, err := c.collection.NewQueryItemsPager(query, azcosmos.NewPartitionKey(), options).NextPage(ctx)
	if err != nil {
		return store.Page{}, cosmosFailure(ctx, err)
	}
	var p store.Page
	for _, text := range out.Items {
		var found struct {
			ID string `json:"id"`
		}
		if err := json.Unmarshal(text, &found); err != nil {
			return store.Page{}, store.Unavailable(errNotAzure)
		}
		if guid, ok := key.GUID(found.ID); ok {
			p.GUIDs = append(p.GUIDs, guid)
		}
	}
	if out.ContinuationToken != nil {
		p.Next = *out.ContinuationToken
	}
	return p, nil
}
