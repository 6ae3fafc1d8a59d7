package azure

import (
	"context"
	"encoding/json"
	"net/url"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/data/aztables"

	"github.com/dapr/kit/logger"

	"credential-resolver/backend/store"
	"credential-resolver/resolver/credential"
)

// Table is state.azure.tablestorage: one entity a config, in a table of Storage or of Cosmos DB, in the
// form of contrib's store.
func Table() store.Type[store.ConfigConn] {
	return store.Type[store.ConfigConn]{Fields: declared[tableSettings](), Prepare: prepareTable, Connect: connectTable, Paths: paths()}
}

// The properties of an entity.
const (
	partitionProperty = "PartitionKey"
	rowProperty       = "RowKey"
	valueProperty     = "Value"
)

// emptyRow is what contrib's store writes for an empty row key in Cosmos DB, which does not allow it.
const emptyRow = "_dapr_empty_row_key_value_"

// maxTableValue is the longest text of a property, in units of UTF-16.
const maxTableValue = 32 << 10

// tableConn is a connected table.
type tableConn struct {
	*client

	table *aztables.Client
	empty string // the row key of a key without "||"
}

var (
	_ store.ConfigConn = (*tableConn)(nil)
	_ store.Deleter    = (*tableConn)(nil)
	_ store.Replacer   = (*tableConn)(nil)
	_ store.Lister     = (*tableConn)(nil)
)

func connectTable(ctx context.Context, fields map[string]string, _ logger.Logger) (store.ConfigConn, error) {
	s, err := store.Decode[tableSettings](fields)
	if err != nil {
		return nil, store.Permanent(err)
	}
	c := newClient(s.Identity, false)
	options, err := c.pipeline(ctx, s.Identity, s.Key != "", s.scope())
	if err != nil {
		_ = c.Close()
		return nil, err
	}
	table, err := s.open(options)
	if err != nil {
		_ = c.Close()
		return nil, store.Permanent(errTable)
	}
	conn := &tableConn{client: c, table: table}
	if s.Cosmos {
		conn.empty = emptyRow
	}
	return conn, nil
}

const errTable = credential.Remedy("the address of the table cannot be used: check the account, its key and serviceURL")

// keyOf returns the partition key and the row key, as contrib's store makes them.
func (c *tableConn) keyOf(key string) (partition, row string, err error) {
	if strings.ContainsAny(key, forbiddenInKeys) {
		return "", "", store.Unable(errKeyCharacters)
	}
	partition, row, found, err := cutKey(key)
	if !found {
		row = c.empty
	}
	return partition, row, err
}

// Get reads an entity.
func (c *tableConn) Get(ctx context.Context, key string) ([]byte, error) {
	data, _, err := c.read(ctx, key)
	return data, err
}

const errOtherEntity = credential.Remedy("the entity has no text in \"Value\": a config is stored as daprd stores state")

// read reads an entity and its ETag.
func (c *tableConn) read(ctx context.Context, key string) ([]byte, azcore.ETag, error) {
	partition, row, err := c.keyOf(key)
	if err != nil {
		return nil, "", err
	}
	out, err := c.table.GetEntity(ctx, partition, row, nil)
	if err != nil {
		return nil, "", tableFailure(ctx, err)
	}
	var found map[string]any
	if err := json.Unmarshal(out.Value, &found); err != nil || found == nil {
		return nil, "", store.Unavailable(errNotAzure)
	}
	value, ok := found[valueProperty].(string)
	if _, typed := found[valueProperty+"@odata.type"]; typed || !ok {
		return nil, "", store.Unable(errOtherEntity)
	}
	return []byte(value), out.ETag, nil
}

const (
	errLongValue = credential.Remedy("Table Storage keeps at most 32,768 characters of a text: use Blob Storage for a larger config")
	errNoText    = credential.Remedy("Table Storage keeps a config as a text: it must be UTF-8")
)

// entity returns the entity of a config.
func (c *tableConn) entity(key string, data []byte) ([]byte, error) {
	partition, row, err := c.keyOf(key)
	switch {
	case err != nil:
		return nil, err
	case !utf8.Valid(data):
		return nil, store.Unable(errNoText)
	case len(data) > maxTableValue && len(utf16.Encode([]rune(string(data)))) > maxTableValue:
		return nil, store.Unable(errLongValue)
	}
	return json.Marshal(map[string]string{partitionProperty: partition, rowProperty: row, valueProperty: string(data)})
}

// Set stores an entity.
func (c *tableConn) Set(ctx context.Context, key string, data []byte) error {
	entity, err := c.entity(key, data)
	if err != nil {
		return err
	}
	if _, err = c.table.UpsertEntity(ctx, entity, &aztables.UpsertEntityOptions{UpdateMode: aztables.UpdateModeReplace}); err != nil {
		return tableFailure(ctx, err)
	}
	return nil
}

// Replace stores an entity if the stored one is still old. The entity keeps its other properties.
func (c *tableConn) Replace(ctx context.Context, key string, old, data []byte) error {
	return store.ReplaceIfOld(old, data, func() ([]byte, azcore.ETag, error) {
		return c.read(ctx, key)
	}, func(etag azcore.ETag) (bool, error) {
		entity, err := c.entity(key, data)
		if err != nil {
			return false, err
		}
		_, err = c.table.UpdateEntity(ctx, entity, &aztables.UpdateEntityOptions{IfMatch: &etag, UpdateMode: aztables.UpdateModeMerge})
		switch {
		case err == nil:
			return false, nil
		case saidCode(err, "UpdateConditionNotSatisfied", "ResourceNotFound", "EntityNotFound"):
			return true, errNotReplaced
		}
		return false, tableFailure(ctx, err)
	})
}

// Delete deletes an entity.
func (c *tableConn) Delete(ctx context.Context, key string) error {
	partition, row, err := c.keyOf(key)
	if err != nil {
		return err
	}
	if _, err := c.table.DeleteEntity(ctx, partition, row, nil); err != nil {
		return tableFailure(ctx, err)
	}
	return nil
}

// List lists one page of the entities whose keys have the template's prefix. The token is the key of the
// next entity.
func (c *tableConn) List(ctx context.Context, key store.KeyTemplate, token string) (store.Page, error) {
	if _, _, err := c.keyOf(string(key)); err != nil {
		return store.Page{}, err
	}
	filter, fields, most := c.filter(key), partitionProperty+","+rowProperty, int32(listPage)
	options := &aztables.ListEntitiesOptions{Select: &fields, Top: &most}
	if filter != "" {
		options.Filter = &filter
	}
	next, err := url.ParseQuery(token)
	if err != nil {
		return store.Page{}, store.Unavailable(errNotAzure)
	}
	if token != "" {
		partition, row := next.Get(partitionProperty), next.Get(rowProperty)
		options.NextPartitionKey, options.NextRowKey = &partition, &row
	}
	out, err := c.table.NewListEntitiesPager(options).NextPage(ctx)
	if err != nil {
		return store.Page{}, tableFailure(ctx, err)
	}
	var p store.Page
	for _, found := range out.Entities {
		var entity aztables.Entity
		if err := json.Unmarshal(found, &entity); err != nil {
			return store.Page{}, store.Unavailable(errNotAzure)
		}
		if guid, ok := key.GUID(c.nameOf(entity)); ok {
			p.GUIDs = append(p.GUIDs, guid)
		}
	}
	if out.NextPartitionKey != nil {
		next := url.Values{partitionProperty: {*out.NextPartitionKey}}
		if out.NextRowKey != nil {
			next.Set(rowProperty, *out.NextRowKey)
		}
		p.Next = next.Encode()
	}
	return p, nil
}

// filter returns the condition that the keys have the template's prefix; "" if it has none.
func (c *tableConn) filter(key store.KeyTemplate) string {
	partition, row, found := strings.Cut(key.Prefix(), keyDelimiter)
	switch {
	case found && row != "":
		return partitionProperty + " eq " + quoted(partition) + " and " + begins(rowProperty, row)
	case found:
		return partitionProperty + " eq " + quoted(partition)
	case partition != "":
		return begins(partitionProperty, partition)
	}
	return ""
}

// begins returns the condition that a property begins with a text that a GUID follows. The first
// character of a GUID is less than "{".
func begins(property, prefix string) string {
	return property + " ge " + quoted(prefix) + " and " + property + " lt " + quoted(prefix+"{")
}

func quoted(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }

// nameOf returns the key of an entity.
func (c *tableConn) nameOf(entity aztables.Entity) string {
	if entity.RowKey == c.empty {
		return entity.PartitionKey
	}
	return entity.PartitionKey + keyDelimiter + entity.RowKey
}

const errNoTable = credential.Remedy("the table does not exist, or is being deleted: check tableName and the account")

// tableFailure classifies a failure of Table Storage. Only a missing entity counts as a missing config.
func tableFailure(ctx context.Context, err error) error {
	if saidCode(err, "TableNotFound", "TableBeingDeleted") {
		return store.Unavailable(errNoTable)
	}
	return storageFailure(ctx, err, "ResourceNotFound", "EntityNotFound")
}
