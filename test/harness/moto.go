package harness

import (
	"context"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"
)

// Moto is moto's server, which emulates AWS's services in memory. It does not check who asks.
type Moto struct {
	*Server

	// Secrets and Parameters are the services, as an administrator uses them.
	Secrets    *secretsmanager.Client
	Parameters *ssm.Client
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
	return m, nil
}

// URL returns the address of all services.
func (m *Moto) URL() string { return "http://" + m.Address }

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
