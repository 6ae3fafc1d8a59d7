package aws

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"maps"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/dapr/kit/logger"

	"credential-resolver/backend/store"
	"credential-resolver/resolver/credential"
)

// DynamoDB is state.aws.dynamodb: one item a config, in the form of contrib's store. A config that
// this program or daprd's gRPC API stores is binary, and exact. daprd's HTTP API stores a text, in
// which a config has lost its field order and the digits of long numbers.
func DynamoDB() store.Type[store.ConfigConn] {
	return store.Type[store.ConfigConn]{
		Fields:   declared[dynamoSettings](),
		Required: map[string]string{"table": "name the table that holds the configs"},
		Prepare:  prepare,
		Connect:  connectDynamo,
	}
}

// The attributes of an item, beside its key.
const (
	valueAttribute = "value"
	etagAttribute  = "etag"
)

// dynamoConn is a connected table.
type dynamoConn struct {
	*client

	table *string
	key   string // the attribute that is the table's key
	ttl   string // the attribute with the time at which an item ends; "" means that items do not end

	getItem    operation[dynamodb.GetItemInput, dynamodb.GetItemOutput, dynamodb.Options]
	putItem    operation[dynamodb.PutItemInput, dynamodb.PutItemOutput, dynamodb.Options]
	deleteItem operation[dynamodb.DeleteItemInput, dynamodb.DeleteItemOutput, dynamodb.Options]
	scan       operation[dynamodb.ScanInput, dynamodb.ScanOutput, dynamodb.Options]
}

var (
	_ store.ConfigConn = (*dynamoConn)(nil)
	_ store.Deleter    = (*dynamoConn)(nil)
	_ store.Replacer   = (*dynamoConn)(nil)
	_ store.Lister     = (*dynamoConn)(nil)
)

func connectDynamo(ctx context.Context, fields map[string]string, log logger.Logger) (store.ConfigConn, error) {
	s, err := store.Decode[dynamoSettings](fields)
	if err != nil {
		return nil, store.Permanent(err)
	}
	c, err := newClient(ctx, s.Common, wire{}, log)
	if err != nil {
		return nil, err
	}
	if s.PartitionKey == "" {
		s.PartitionKey = "key"
	}
	service := dynamodb.NewFromConfig(c.config)
	return &dynamoConn{
		c, aws.String(s.Table), s.PartitionKey, s.TTL, service.GetItem, service.PutItem, service.DeleteItem, service.Scan,
	}, nil
}

// item is a stored item, by the names of its attributes.
type item = map[string]types.AttributeValue

func (c *dynamoConn) keyOf(key string) item {
	return item{c.key: &types.AttributeValueMemberS{Value: key}}
}

// Get reads an item. The read is consistent, so that it has every write that ended before it.
func (c *dynamoConn) Get(ctx context.Context, key string) ([]byte, error) {
	found, err := c.read(ctx, key)
	if err != nil {
		return nil, err
	}
	return valueOf(found)
}

// read reads an item. An item whose time is over counts as missing: DynamoDB deletes it some days later.
func (c *dynamoConn) read(ctx context.Context, key string) (item, error) {
	out, err := c.getItem(ctx, &dynamodb.GetItemInput{
		TableName: c.table, Key: c.keyOf(key), ConsistentRead: aws.Bool(true),
	})
	switch {
	case err != nil:
		return nil, dynamoFailure(ctx, err, "dynamodb:GetItem")
	case len(out.Item) != 0 && !c.isOver(out.Item):
		return out.Item, nil
	}
	// For a missing item, DynamoDB sends an empty object. So may a proxy.
	if _, ok := middleware.GetRequestIDMetadata(out.ResultMetadata); !ok {
		return nil, store.Unavailable(errNotAWS)
	}
	return nil, store.Absent()
}

// isOver reports whether the time of an item is over. As in DynamoDB, an attribute of another type
// means that the item does not end.
func (c *dynamoConn) isOver(found item) bool {
	end, ok := found[c.ttl].(*types.AttributeValueMemberN)
	if !ok {
		return false
	}
	seconds, err := strconv.ParseInt(end.Value, 10, 64)
	return err == nil && seconds <= time.Now().Unix()
}

const errOtherItem = credential.Remedy("the item's attribute \"value\" is neither a text nor binary: a config is stored as daprd stores state")

// valueOf returns the stored bytes of an item.
func valueOf(found item) ([]byte, error) {
	switch value := found[valueAttribute].(type) {
	case *types.AttributeValueMemberB:
		return value.Value, nil
	case *types.AttributeValueMemberS:
		return []byte(value.Value), nil
	}
	return nil, store.Unable(errOtherItem)
}

// Set stores an item.
func (c *dynamoConn) Set(ctx context.Context, key string, data []byte) error {
	_, err := c.putItem(ctx, &dynamodb.PutItemInput{TableName: c.table, Item: c.with(c.keyOf(key), data)})
	if err != nil {
		return dynamoFailure(ctx, err, "dynamodb:PutItem")
	}
	return nil
}

// with returns an item with other data, and with a new etag for the programs that use daprd.
func (c *dynamoConn) with(of item, data []byte) item {
	etag := make([]byte, 8)
	_, _ = rand.Read(etag) // never fails
	next := maps.Clone(of)
	next[valueAttribute] = &types.AttributeValueMemberB{Value: data}
	next[etagAttribute] = &types.AttributeValueMemberS{Value: hex.EncodeToString(etag)}
	return next
}

// Replace stores an item if the stored one is still old. The item keeps its other attributes, such
// as its end.
func (c *dynamoConn) Replace(ctx context.Context, key string, old, data []byte) error {
	return store.ReplaceIfOld(old, data, func() ([]byte, item, error) {
		found, err := c.read(ctx, key)
		if err != nil {
			return nil, nil, err
		}
		now, err := valueOf(found)
		return now, found, err
	}, func(found item) (bool, error) {
		_, err := c.putItem(ctx, &dynamodb.PutItemInput{
			TableName: c.table, Item: c.with(found, data),
			ConditionExpression:       aws.String("#value = :old"),
			ExpressionAttributeNames:  map[string]string{"#value": valueAttribute},
			ExpressionAttributeValues: item{":old": found[valueAttribute]},
		})
		if err == nil {
			return false, nil
		}
		code, _ := saying(err)
		return code == "ConditionalCheckFailedException", dynamoFailure(ctx, err, "dynamodb:PutItem")
	})
}

// Delete deletes an item. DynamoDB does not report whether it existed.
func (c *dynamoConn) Delete(ctx context.Context, key string) error {
	_, err := c.deleteItem(ctx, &dynamodb.DeleteItemInput{TableName: c.table, Key: c.keyOf(key)})
	if err != nil {
		return dynamoFailure(ctx, err, "dynamodb:DeleteItem")
	}
	return nil
}

// List scans one page of the table, whose keys alone are sent. The token is the last key of the page
// before. DynamoDB reads, and charges for, the whole table.
func (c *dynamoConn) List(ctx context.Context, key store.KeyTemplate, token string) (store.Page, error) {
	in := &dynamodb.ScanInput{
		TableName: c.table, ConsistentRead: aws.Bool(true), Limit: aws.Int32(listPage),
		ProjectionExpression:     aws.String("#key"),
		ExpressionAttributeNames: map[string]string{"#key": c.key},
	}
	if c.ttl != "" {
		in.ProjectionExpression = aws.String("#key, #ttl")
		in.ExpressionAttributeNames["#ttl"] = c.ttl
	}
	if prefix := key.Prefix(); prefix != "" {
		in.FilterExpression = aws.String("begins_with(#key, :prefix)")
		in.ExpressionAttributeValues = item{":prefix": &types.AttributeValueMemberS{Value: prefix}}
	}
	if token != "" {
		in.ExclusiveStartKey = c.keyOf(token)
	}
	out, err := c.scan(ctx, in)
	if err != nil {
		return store.Page{}, dynamoFailure(ctx, err, "dynamodb:Scan")
	}
	var p store.Page
	for _, found := range out.Items {
		if guid, ok := key.GUID(c.nameOf(found)); ok && !c.isOver(found) {
			p.GUIDs = append(p.GUIDs, guid)
		}
	}
	p.Next = c.nameOf(out.LastEvaluatedKey)
	return p, nil
}

// nameOf returns the key of an item; "" if it has none, or one that is not a text.
func (c *dynamoConn) nameOf(found item) string {
	if name, ok := found[c.key].(*types.AttributeValueMemberS); ok {
		return name.Value
	}
	return ""
}

const (
	errNoTable  = credential.Remedy("the table does not exist: check table, region and endpoint")
	errOtherKey = credential.Remedy("the table has another key: set partitionKey to its only key, which must be a text")
)

// dynamoFailure classifies a failure of DynamoDB. A missing table is not a missing config.
func dynamoFailure(ctx context.Context, err error, action string) error {
	switch code, text := saying(err); {
	case code == "ResourceNotFoundException":
		return store.Unavailable(store.Explained(errNoTable, answered(code)))
	case code == "ValidationException" && strings.Contains(text, "key"):
		return store.Unavailable(store.Explained(errOtherKey, answered(code)))
	}
	return failure(ctx, err, action)
}
