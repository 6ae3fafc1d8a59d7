package aws

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/dapr/kit/logger"

	"credential-resolver/backend/store"
	"credential-resolver/resolver/credential"
)

// S3 is bindings.aws.s3: one object a config, in a bucket of Amazon S3 or of a service that is
// compatible with it. contrib's binding reads an object of any size, without its ETag.
func S3() store.Type[store.ConfigConn] {
	return store.Type[store.ConfigConn]{
		Fields:   declared[s3Settings](),
		Required: map[string]string{"bucket": "name the bucket that holds the configs"},
		Prepare:  prepareS3,
		Connect:  connectS3,
	}
}

func prepareS3(fields map[string]string) error {
	if err := store.CheckBooleans(fields, "forcePathStyle", "disableSSL", "insecureSSL", "decodeBase64", "encodeBase64"); err != nil {
		return err
	}
	if store.Field(fields, "filePath") != "" {
		return errors.New("filePath is not supported: the config is the object itself, not a file of this machine")
	}
	s, err := store.Decode[s3Settings](fields)
	if err == nil && s.DisableSSL && s.Common.Endpoint != "" && !strings.Contains(s.Common.Endpoint, "://") {
		store.SetField(fields, "endpoint", "http://"+s.Common.Endpoint)
	}
	return prepare(fields)
}

// s3Conn is a connected bucket.
type s3Conn struct {
	*client

	bucket *string
	class  s3types.StorageClass // of new objects; "" means the bucket's default

	getObject     operation[s3.GetObjectInput, s3.GetObjectOutput, s3.Options]
	putObject     operation[s3.PutObjectInput, s3.PutObjectOutput, s3.Options]
	deleteObject  operation[s3.DeleteObjectInput, s3.DeleteObjectOutput, s3.Options]
	listObjectsV2 operation[s3.ListObjectsV2Input, s3.ListObjectsV2Output, s3.Options]
}

var (
	_ store.ConfigConn  = (*s3Conn)(nil)
	_ store.Deleter     = (*s3Conn)(nil)
	_ store.Replacer    = (*s3Conn)(nil)
	_ store.Lister      = (*s3Conn)(nil)
	_ store.Revalidator = (*s3Conn)(nil)
)

func connectS3(ctx context.Context, fields map[string]string, log logger.Logger) (store.ConfigConn, error) {
	s, err := store.Decode[s3Settings](fields)
	if err != nil {
		return nil, store.Permanent(err)
	}
	c, err := newClient(ctx, s.Common, wire{insecure: s.InsecureSSL, opaque: true}, log)
	if err != nil {
		return nil, err
	}
	service := s3.NewFromConfig(c.config, func(o *s3.Options) {
		o.UsePathStyle = s.PathStyle
		// Compatible services may not know the checksums that the SDK adds by default.
		o.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenRequired
		o.DisableLogOutputChecksumValidationSkipped = true
	})
	return &s3Conn{
		c, aws.String(s.Bucket), s3types.StorageClass(s.StorageClass),
		service.GetObject, service.PutObject, service.DeleteObject, service.ListObjectsV2,
	}, nil
}

// Get reads an object.
func (c *s3Conn) Get(ctx context.Context, key string) ([]byte, error) {
	data, _, err := c.GetUnlessMatch(ctx, key, "")
	return data, err
}

// GetUnlessMatch reads an object, unless it still has the ETag. It reads no more than is necessary
// to tell that an object is too large for a config.
func (c *s3Conn) GetUnlessMatch(ctx context.Context, key, etag string) ([]byte, string, error) {
	in := &s3.GetObjectInput{Bucket: c.bucket, Key: aws.String(key)}
	if etag != "" {
		in.IfNoneMatch = aws.String(etag)
	}
	out, err := c.getObject(ctx, in)
	switch {
	case etag != "" && notModified(err):
		return nil, etag, store.ErrUnchanged
	case err != nil:
		return nil, "", s3Failure(ctx, err, "s3:GetObject")
	}
	defer func() { _ = out.Body.Close() }()
	if aws.ToString(out.ETag) == "" { // every S3 sends it; a proxy's page has none
		return nil, "", store.Unavailable(errNotAWS)
	}
	data, err := io.ReadAll(io.LimitReader(out.Body, credential.MaxConfigSize+1))
	if err != nil {
		return nil, "", unanswered(ctx, &url.Error{Err: err})
	}
	return data, *out.ETag, nil
}

// notModified reports whether an error is the answer that an object still has an ETag.
func notModified(err error) bool {
	var response *awshttp.ResponseError
	return errors.As(err, &response) && response.HTTPStatusCode() == http.StatusNotModified
}

// Set stores an object.
func (c *s3Conn) Set(ctx context.Context, key string, data []byte) error {
	_, err := c.put(ctx, key, data, "")
	return err
}

// put stores an object. etag is the one that the object must have; "" means any, or no object. refused
// means that it has another one, or that somebody else writes it at the same moment.
func (c *s3Conn) put(ctx context.Context, key string, data []byte, etag string) (refused bool, err error) {
	in := &s3.PutObjectInput{
		Bucket: c.bucket, Key: aws.String(key), Body: bytes.NewReader(data),
		ContentType: aws.String("application/json"), StorageClass: c.class,
	}
	if etag != "" {
		in.IfMatch = aws.String(etag)
	}
	_, err = c.putObject(ctx, in)
	switch code, _ := saying(err); {
	case err == nil:
		return false, nil
	case etag != "" && (code == "PreconditionFailed" || code == "NoSuchKey" || code == "ConditionalRequestConflict"):
		return true, errNotReplaced
	}
	return false, s3Failure(ctx, err, "s3:PutObject")
}

// errNotReplaced is the failure of a conditional write, until the object was read again.
var errNotReplaced = store.Unavailable(errors.New("S3 refused a conditional write"))

// Replace stores an object if the stored one is still old.
func (c *s3Conn) Replace(ctx context.Context, key string, old, data []byte) error {
	return store.ReplaceIfOld(old, data, func() ([]byte, string, error) {
		return c.GetUnlessMatch(ctx, key, "")
	}, func(etag string) (bool, error) {
		return c.put(ctx, key, data, etag)
	})
}

// Delete deletes an object. S3 does not report whether it existed.
func (c *s3Conn) Delete(ctx context.Context, key string) error {
	_, err := c.deleteObject(ctx, &s3.DeleteObjectInput{Bucket: c.bucket, Key: aws.String(key)})
	if err != nil {
		return s3Failure(ctx, err, "s3:DeleteObject")
	}
	return nil
}

// listPage is how many keys are listed at a time, so that a page of the longest keys is within the
// limit of an answer.
const listPage = 500

// List lists one page of the objects whose keys have the template's prefix.
func (c *s3Conn) List(ctx context.Context, key store.KeyTemplate, token string) (store.Page, error) {
	in := &s3.ListObjectsV2Input{
		Bucket: c.bucket, Prefix: aws.String(key.Prefix()), MaxKeys: aws.Int32(listPage),
		EncodingType: s3types.EncodingTypeUrl, // a key may have characters that XML cannot have
	}
	if token != "" {
		in.ContinuationToken = aws.String(token)
	}
	out, err := c.listObjectsV2(ctx, in)
	if err != nil {
		return store.Page{}, s3Failure(ctx, err, "s3:ListBucket")
	}
	p := store.Page{Next: aws.ToString(out.NextContinuationToken)}
	for _, object := range out.Contents {
		name, err := url.QueryUnescape(aws.ToString(object.Key))
		if guid, ok := key.GUID(name); ok && err == nil {
			p.GUIDs = append(p.GUIDs, guid)
		}
	}
	return p, nil
}

const (
	errNoBucket  = credential.Remedy("the bucket does not exist: check bucket, region and endpoint")
	errElsewhere = credential.Remedy("the bucket is in another region: set region to that of the bucket")
	errArchived  = credential.Remedy("the object is archived, so it cannot be read: restore it, and use another storage class")
	errHidden    = credential.Remedy("S3 refuses the object. It refuses an object that does not exist with the same answer, " +
		"unless a policy allows s3:ListBucket: allow s3:GetObject for the object, and s3:ListBucket for the bucket")
)

// s3Failure classifies a failure of S3. Only a missing object counts as a missing config.
func s3Failure(ctx context.Context, err error, action string) error {
	code, text := saying(err)
	switch {
	case code == "NoSuchBucket":
		return store.Unavailable(store.Explained(errNoBucket, answered(code)))
	case code == "PermanentRedirect" || code == "TemporaryRedirect" || code == "AuthorizationHeaderMalformed" && strings.Contains(text, "region"):
		return store.Unavailable(store.Explained(errElsewhere, answered(code)))
	case code == "InvalidObjectState":
		return store.Unable(errArchived)
	case strings.HasPrefix(code, "KMS."):
		return kmsRefusal(code)
	case code == "AccessDenied" && action == "s3:GetObject" && !strings.Contains(text, "kms:"):
		return &credential.StoreError{Kind: credential.Denied, Err: store.Explained(errHidden, answered(code))}
	}
	return failure(ctx, err, action, "NoSuchKey")
}
