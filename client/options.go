package client

import (
	"cmp"
	"os"
	"time"
)

// DefaultTimeout is the default time limit for one request to daprd. It is longer than the
// component's own requestTimeout, so that the component's error comes first.
const DefaultTimeout = 30 * time.Second

// local is the DeploymentName of the local environment.
const local = "local"

// Options name the stores and set the timeout (DESIGN.md, section 7). An empty name is taken
// from the environment, else it is the default.
type Options struct {
	// CredentialStore is the Component that returns finished credentials.
	// Empty: $CREDENTIAL_STORE_NAME, else "credentials".
	CredentialStore string
	// CredentialBinding is the Component that saves credential configs.
	// Empty: $CREDENTIAL_BINDING_NAME, else "credentials-save".
	CredentialBinding string
	// SecretStore is the Component that GetSecret asks if its store argument is empty.
	// Empty: $SECRET_STORE_NAME, else "secretstore".
	SecretStore string
	// DeploymentSecretStore is the Component that GetDeploymentSecret asks.
	// Empty: $DEPLOYMENT_SECRET_STORE_NAME, else "deployment-secret-store".
	DeploymentSecretStore string
	// DeploymentSecretPath is the name of the deployment's bundle of secrets.
	// Empty: $DEPLOYMENT_SECRET_PATH, else "ATLAN_DEPLOYMENT_SECRETS".
	DeploymentSecretPath string
	// DeploymentName is where the application runs; "local" is the local environment.
	// Empty: $DEPLOYMENT_NAME. If that is also empty, the environment is production.
	DeploymentName string
	// Timeout is the time limit for one request to daprd. daprd itself sets no limit.
	// Zero: DefaultTimeout.
	Timeout time.Duration
}

func (o Options) withDefaults() Options {
	o.CredentialStore = cmp.Or(o.CredentialStore, os.Getenv("CREDENTIAL_STORE_NAME"), "credentials")
	o.CredentialBinding = cmp.Or(o.CredentialBinding, os.Getenv("CREDENTIAL_BINDING_NAME"), "credentials-save")
	o.SecretStore = cmp.Or(o.SecretStore, os.Getenv("SECRET_STORE_NAME"), "secretstore")
	o.DeploymentSecretStore = cmp.Or(o.DeploymentSecretStore,
		os.Getenv("DEPLOYMENT_SECRET_STORE_NAME"), "deployment-secret-store")
	o.DeploymentSecretPath = cmp.Or(o.DeploymentSecretPath, os.Getenv("DEPLOYMENT_SECRET_PATH"), "ATLAN_DEPLOYMENT_SECRETS")
	o.DeploymentName = cmp.Or(o.DeploymentName, os.Getenv("DEPLOYMENT_NAME"))
	if o.Timeout <= 0 {
		o.Timeout = DefaultTimeout
	}
	return o
}

// isLocal reports whether the application runs in the local environment.
func (o Options) isLocal() bool { return o.DeploymentName == local }
