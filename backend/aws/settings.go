package aws

import (
	"errors"
	"reflect"
	"strings"

	"github.com/dapr/components-contrib/metadata"

	"credential-resolver/backend/store"
)

// settings are the metadata of all stores: the fields of contrib's stores with its defaults, then
// ours.
type settings struct {
	Region       string `mapstructure:"region" mapstructurealiases:"awsRegion"`
	AccessKey    string `mapstructure:"accessKey" mapstructurealiases:"awsAccessKey"`
	SecretKey    string `mapstructure:"secretKey" mapstructurealiases:"awsSecretKey"`
	SessionToken string `mapstructure:"sessionToken" mapstructurealiases:"awsSessionToken"`
	Role         string `mapstructure:"assumeRoleArn" mapstructurealiases:"awsIAMRoleArn"`
	RoleSession  string `mapstructure:"assumeRoleSessionName" mapstructurealiases:"sessionName"`
	Endpoint     string `mapstructure:"endpoint"`

	ExternalID string `mapstructure:"assumeRoleExternalID"`
}

// managerSettings are the metadata of Secrets Manager.
type managerSettings struct {
	Common settings `mapstructure:",squash"`

	Several bool `mapstructure:"multipleKeyValuesPerSecret"`
}

// parameterSettings are the metadata of Parameter Store.
type parameterSettings struct {
	Common settings `mapstructure:",squash"`

	Prefix string `mapstructure:"prefix"`
}

// s3Settings are the metadata of S3. Some of them have no effect here, because a config is read and
// written as it is stored.
type s3Settings struct {
	Common settings `mapstructure:",squash"`

	Bucket       string `mapstructure:"bucket"`
	PathStyle    bool   `mapstructure:"forcePathStyle"`
	DisableSSL   bool   `mapstructure:"disableSSL"`
	InsecureSSL  bool   `mapstructure:"insecureSSL"`
	StorageClass string `mapstructure:"storageClass"`

	DecodeBase64 bool   `mapstructure:"decodeBase64"` // no effect
	EncodeBase64 bool   `mapstructure:"encodeBase64"` // no effect
	PresignTTL   string `mapstructure:"presignTTL"`   // no effect
	FilePath     string `mapstructure:"filePath"`     // refused
}

// dynamoSettings are the metadata of DynamoDB.
type dynamoSettings struct {
	Common settings `mapstructure:",squash"`

	Table        string `mapstructure:"table"`
	PartitionKey string `mapstructure:"partitionKey"`
	TTL          string `mapstructure:"ttlAttributeName"`
}

// declared returns the fields that all stores have, and those of one store's own settings.
func declared[T any]() metadata.MetadataMap {
	return store.StructFields(reflect.TypeFor[settings](), reflect.TypeFor[T]())
}

// prepare checks the fields that all stores have. Its errors contain no value.
func prepare(fields map[string]string) error {
	s, err := store.Decode[settings](fields)
	if err != nil {
		return errors.New("a field has a value of the wrong type")
	}
	switch {
	case (s.AccessKey == "") != (s.SecretKey == ""):
		return errors.New("accessKey and secretKey belong together: set both, or none to use the identity of the environment")
	case s.SessionToken != "" && s.AccessKey == "":
		return errors.New("sessionToken has no effect without accessKey and secretKey")
	case s.Role == "" && (s.RoleSession != "" || s.ExternalID != ""):
		return errors.New("assumeRoleSessionName and assumeRoleExternalID have no effect without assumeRoleArn")
	case s.Endpoint != "" && !store.IsAddress(s.Endpoint):
		return errors.New(`endpoint is not an address such as "https://vpce-1.secretsmanager.eu-west-1.vpce.amazonaws.com"`)
	case s.Role != "" && !strings.HasPrefix(s.Role, "arn:"):
		return errors.New(`assumeRoleArn is not an ARN such as "arn:aws:iam::123456789012:role/name"`)
	}
	for _, name := range []string{"trustAnchorArn", "trustProfileArn"} {
		if store.Field(fields, name) != "" {
			return errors.New(name + " is not supported: only daprd itself has the certificate that IAM Roles Anywhere needs")
		}
	}
	return nil
}
