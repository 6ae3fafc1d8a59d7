package azure

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/streaming"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blockblob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"

	"github.com/dapr/kit/logger"

	"credential-resolver/backend/store"
	"credential-resolver/resolver/credential"
)

// Blob is state.azure.blobstorage version 2, and bindings.azure.blobstorage: one blob a config. contrib's
// stores read a blob of any size, and create the container.
func Blob() store.Type[store.ConfigConn] { return blobType(nameV2) }

// BlobV1 is state.azure.blobstorage version 1. The name of its blobs is the key without daprd's prefix.
func BlobV1() store.Type[store.ConfigConn] { return blobType(nameV1) }

func blobType(name func(key string) (string, error)) store.Type[store.ConfigConn] {
	return store.Type[store.ConfigConn]{
		Fields:  declared[blobSettings](),
		Prepare: prepareBlob,
		Paths:   paths(),
		Connect: func(ctx context.Context, fields map[string]string, _ logger.Logger) (store.ConfigConn, error) {
			return connectBlob(ctx, fields, name)
		},
	}
}

// nameV1 returns the name of a blob as version 1 of contrib's store does.
func nameV1(key string) (string, error) {
	before, after, found, err := cutKey(key)
	if !found {
		return before, err
	}
	return after, err
}

// nameV2 returns the name of a blob as version 2 of contrib's store does.
func nameV2(key string) (string, error) { return key, nil }

// blobConn is a connected container.
type blobConn struct {
	*client

	container *container.Client
	name      func(key string) (string, error) // of a blob
}

var (
	_ store.ConfigConn  = (*blobConn)(nil)
	_ store.Deleter     = (*blobConn)(nil)
	_ store.Replacer    = (*blobConn)(nil)
	_ store.Lister      = (*blobConn)(nil)
	_ store.Revalidator = (*blobConn)(nil)
)

func connectBlob(ctx context.Context, fields map[string]string, name func(string) (string, error)) (store.ConfigConn, error) {
	s, err := store.Decode[blobSettings](fields)
	if err != nil {
		return nil, store.Permanent(err)
	}
	c := newClient(s.Identity, true)
	options, err := c.pipeline(ctx, s.Identity, s.Connection != "" || s.Key != "", storageScope)
	if err != nil {
		_ = c.Close()
		return nil, err
	}
	opened, err := s.open(options)
	if err != nil {
		_ = c.Close()
		return nil, store.Permanent(errContainer)
	}
	return &blobConn{c, opened, name}, nil
}

const errContainer = credential.Remedy("the address of the container cannot be used: check the account, its key and the endpoint")

// blob returns the client of a blob.
func (c *blobConn) blob(key string) (*blockblob.Client, error) {
	name, err := c.name(key)
	if err != nil {
		return nil, err
	}
	return c.container.NewBlockBlobClient(name), nil
}

// Get reads a blob.
func (c *blobConn) Get(ctx context.Context, key string) ([]byte, error) {
	data, _, err := c.GetUnlessMatch(ctx, key, "")
	return data, err
}

// GetUnlessMatch reads a blob, unless it still has the ETag. It reads no more than is necessary to tell
// that a blob is too large for a config.
func (c *blobConn) GetUnlessMatch(ctx context.Context, key, etag string) ([]byte, string, error) {
	of, err := c.blob(key)
	if err != nil {
		return nil, "", err
	}
	conditions := &blob.ModifiedAccessConditions{}
	if etag != "" {
		known := azcore.ETag(etag)
		conditions.IfNoneMatch = &known
	}
	var answer *http.Response
	out, err := of.DownloadStream(policy.WithCaptureResponse(ctx, &answer), &blob.DownloadStreamOptions{
		AccessConditions: &blob.AccessConditions{ModifiedAccessConditions: conditions},
	})
	if err != nil {
		return nil, "", blobFailure(ctx, err)
	}
	defer func() { _ = out.Body.Close() }()
	switch {
	case etag != "" && answer.StatusCode == http.StatusNotModified:
		return nil, etag, store.ErrUnchanged
	case answer.StatusCode != http.StatusOK || out.ETag == nil || *out.ETag == "":
		return nil, "", store.Unavailable(errNotAzure)
	}
	data, err := io.ReadAll(io.LimitReader(out.Body, credential.MaxConfigSize+1))
	if err != nil {
		return nil, "", unanswered(ctx, &url.Error{Err: err})
	}
	return data, string(*out.ETag), nil
}

// Set stores a blob.
func (c *blobConn) Set(ctx context.Context, key string, data []byte) error {
	_, err := c.put(ctx, key, data, "")
	return err
}

// put stores a blob. etag is the one that the blob must have; "" means any, or no blob. refused means
// that it has another one, or that it does not exist.
func (c *blobConn) put(ctx context.Context, key string, data []byte, etag string) (refused bool, err error) {
	of, err := c.blob(key)
	if err != nil {
		return false, err
	}
	kind := "application/json"
	options := &blockblob.UploadOptions{HTTPHeaders: &blob.HTTPHeaders{BlobContentType: &kind}}
	if etag != "" {
		known := azcore.ETag(etag)
		options.AccessConditions = &blob.AccessConditions{ModifiedAccessConditions: &blob.ModifiedAccessConditions{IfMatch: &known}}
	}
	_, err = of.Upload(ctx, streaming.NopCloser(bytes.NewReader(data)), options)
	switch {
	case err == nil:
		return false, nil
	case etag != "" && saidCode(err, "ConditionNotMet", "BlobNotFound"):
		return true, errNotReplaced
	}
	return false, blobFailure(ctx, err)
}

// errNotReplaced is the failure of a conditional write, until the config was read again.
var errNotReplaced = store.Unavailable(errors.New("Azure refused a conditional write")) //nolint:staticcheck // a name

// Replace stores a blob if the stored one is still old.
func (c *blobConn) Replace(ctx context.Context, key string, old, data []byte) error {
	return store.ReplaceIfOld(old, data, func() ([]byte, string, error) {
		return c.GetUnlessMatch(ctx, key, "")
	}, func(etag string) (bool, error) {
		return c.put(ctx, key, data, etag)
	})
}

// Delete deletes a blob.
func (c *blobConn) Delete(ctx context.Context, key string) error {
	of, err := c.blob(key)
	if err != nil {
		return err
	}
	if _, err := of.Delete(ctx, nil); err != nil {
		return blobFailure(ctx, err)
	}
	return nil
}

// List lists one page of the blobs whose names have the template's prefix.
func (c *blobConn) List(ctx context.Context, key store.KeyTemplate, token string) (store.Page, error) {
	name, err := c.name(string(key))
	if err != nil {
		return store.Page{}, err
	}
	names := store.KeyTemplate(name)
	prefix, most := names.Prefix(), int32(listPage)
	options := &container.ListBlobsFlatOptions{Prefix: &prefix, MaxResults: &most}
	if token != "" {
		options.Marker = &token
	}
	out, err := c.container.NewListBlobsFlatPager(options).NextPage(ctx)
	if err != nil {
		return store.Page{}, blobFailure(ctx, err)
	}
	if out.Segment == nil {
		return store.Page{}, store.Unavailable(errNotAzure)
	}
	var p store.Page
	if out.NextMarker != nil {
		p.Next = *out.NextMarker
	}
	for _, found := range out.Segment.BlobItems {
		if found.Name == nil {
			continue
		}
		if guid, ok := names.GUID(*found.Name); ok {
			p.GUIDs = append(p.GUIDs, guid)
		}
	}
	return p, nil
}

const (
	errNoContainer = credential.Remedy("the container does not exist, or is being deleted: check containerName and the account")
	errArchived    = credential.Remedy("the blob is archived, so it cannot be read: move it to the hot, cool or cold tier")
	errForeignKey  = credential.Remedy("the blob is encrypted with a key that only its writer has, so it cannot be read")
)

// blobFailure classifies a failure of Blob Storage. Only a missing blob counts as a missing config.
func blobFailure(ctx context.Context, err error) error {
	switch {
	case saidCode(err, "ContainerNotFound", "ContainerBeingDeleted", "ContainerDisabled"):
		return store.Unavailable(errNoContainer)
	case saidCode(err, "BlobArchived", "BlobBeingRehydrated"):
		return store.Unable(errArchived)
	case saidCode(err, "BlobUsesCustomerSpecifiedEncryption"):
		return store.Unable(errForeignKey)
	}
	return storageFailure(ctx, err, "BlobNotFound")
}
