package harness

import (
	"context"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamotypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"
)

// Moto is moto's server, which emulates AWS's services in memory. It does not check who asks.
type Moto struct {
	*Server

	// These are the services, as an administrator uses them.
	Secrets    *secretsmanager.Client
	Parameters *ssm.Client
	Objects    *s3.Client
	Tables     *dynamodb.Client
}

// MotoRegion is the region of the resources that Moto's methods create.
const MotoRegion = "eu-west-1"

// StartMoto starts moto's server with the given program.
func StartMoto(ctx context.Context, path string) (*Moto, error) {
	server, err := newServer(serverSpec{path: path, args: func(s *Server) []string {
		return []string{"-H", "127.0.0.1", "-p", strconv.Itoa(s.port)}
	}})
	if err != nil {
		return nil, err
	}
	m := &Moto{Server: server}
	if err := m.Start(ctx); err != nil {
		return m, err
	}
	config := aws.Config{
		Region: MotoRegion, BaseEndpoint: aws.String(m.URL()),
		Credentials: credentials.NewStaticCredentialsProvider("AKIAADMINISTRATOR", "administrator", ""),
	}
	m.Secrets, m.Parameters = secretsmanager.NewFromConfig(config), ssm.NewFromConfig(config)
	m.Objects = s3.NewFromConfig(config, func(o *s3.Options) { o.UsePathStyle = true })
	m.Tables = dynamodb.NewFromConfig(config)
	return m, nil
}

// URL returns the address of all services.
func (m *Moto) URL() string { return "http://" + m.Address }

// CreateBucket creates a bucket.
func (m *Moto) CreateBucket(ctx context.Context, name string) error {
	_, err := m.Objects.CreateBucket(ctx, &s3.CreateBucketInput{
		Bucket:                    aws.String(name),
		CreateBucketConfiguration: &s3types.CreateBucketConfiguration{LocationConstraint: MotoRegion},
	})
	return err
}

// CreateTable creates a table whose only key is a text.
func (m *Moto) CreateTable(ctx context.Context, name, key string) error {
	_, err := m.Tables.CreateTable(ctx, &dynamodb.CreateTableInput{
		TableName: aws.String(name), BillingMode: dynamotypes.BillingModePayPerRequest,
		KeySchema:            []dynamotypes.KeySchemaElement{{AttributeName: aws.String(key), KeyType: dynamotypes.KeyTypeHash}},
		AttributeDefinitions: []dynamotypes.AttributeDefinition{{AttributeName: aws.String(key), AttributeType: dynamotypes.ScalarAttributeTypeS}},
	})
	return err
}

// PutSecret creates a secret with a text.
func (m *Moto) PutSecret(ctx context.Context, name, text string) error {
	_, err := m.Secrets.CreateSecret(ctx, &secretsmanager.CreateSecretInput{Name: aws.String(name), SecretString: aws.String(text)})
	return err
}

// PutParameter stores an encrypted parameter, or a new version of it.
func (m *Moto) PutParameter(ctx context.Context, name, text string) error {
	_, err := m.Parameters.PutParameter(ctx, &ssm.PutParameterInput{
		Name: aws.String(name), Value: aws.String(text), Type: ssmtypes.ParameterTypeSecureString, Overwrite: aws.Bool(true),
	})
	return err
}
