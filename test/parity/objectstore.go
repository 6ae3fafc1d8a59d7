package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"credential-resolver/test/harness"
)

// objectStore holds the configs. Both sides read it.
type objectStore interface {
	component() (kind string, fields metadata)
	put(ctx context.Context, key, text string) error
	close()
}

var (
	_ objectStore = folder("")
	_ objectStore = (*bucket)(nil)
)

// folder is an object store in a folder.
type folder string

func openFolder(_ context.Context, path string) (objectStore, error) {
	path = filepath.Join(path, "configs")
	return folder(path), os.MkdirAll(path, 0o755)
}

func (f folder) component() (string, metadata) {
	return "bindings.localstorage", metadata{"rootPath": string(f)}
}

func (f folder) put(_ context.Context, key, text string) error {
	file := filepath.Join(string(f), key)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	return os.WriteFile(file, []byte(text), 0o600)
}

func (f folder) close() {}

// bucket is an object store in moto's S3.
type bucket struct{ moto *harness.Moto }

const bucketName = "configs"

func openBucket(ctx context.Context, _ string) (objectStore, error) {
	path, err := harness.Binary("MOTO", ".", "moto/bin/moto_server")
	if err != nil {
		return nil, err
	}
	moto, err := harness.StartMoto(ctx, path)
	if err == nil {
		err = moto.CreateBucket(ctx, bucketName)
	}
	if err != nil && moto != nil {
		moto.Remove()
	}
	return &bucket{moto}, err
}

func (b *bucket) component() (string, metadata) {
	return "bindings.aws.s3", metadata{
		"region": harness.MotoRegion, "bucket": bucketName, "endpoint": b.moto.URL(), "forcePathStyle": "true",
		"accessKey": "AKIAPARITY", "secretKey": "parity",
	}
}

func (b *bucket) put(ctx context.Context, key, text string) error {
	_, err := b.moto.Objects.PutObject(ctx, &s3.PutObjectInput{
		Bucket: aws.String(bucketName), Key: aws.String(key), Body: strings.NewReader(text),
	})
	return err
}

func (b *bucket) close() { b.moto.Remove() }
