package client

import (
	"cmp"
	"os"
	"time"
)

// DefaultTimeout bounds one request to daprd where Options name no other: longer than
// the component's own requestTimeout, so that the component's error comes first.
const DefaultTimeout = 30 * time.Second

// local is the DeploymentName of the local environment.
const local = "local"

// Options say what the stores are called (DESIGN.md, section 7). The zero value of
// each takes it from the environment, and its default where that has none.
type Options struct {
	// CredentialStore is the Component that answers with finished credentials.
	// Empty: $CREDENTIAL_STORE_NAME, else "credentials".
	CredentialStore string
	// CredentialBinding is the Component that saves them.
	// Empty: $CREDENTIAL_BINDING_NAME, else "credentials-save".
	CredentialBinding string
	// SecretStore is the Component that GetSecret asks when it is told none.
	// Empty: $SECRET_STORE_NAME, else "secretstore".
	SecretStore string
	// DeploymentSecretStore is the Component that GetDeploymentSecret asks.
	// Empty: $DEPLOYMENT_SECRET_STORE_NAME, else "deployment-secret-store".
	DeploymentSecretStore string
	// DeploymentSecretPath is the name of the deployment's bundle of secrets.
	// Empty: $DEPLOYMENT_SECRET_PATH, else "ATLAN_DEPLOYMENT_SECRETS".
	DeploymentSecretPath string
	// DeploymentName is where the application runs; "local" is the local environment.
	// Empty: $DEPLOYMENT_NAME; where that is empty too, it is not local.
	DeploymentName string
	// Timeout bounds one request to daprd, which itself sets no limit.
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

// isLocal tells whether the application runs in the local environment.
func (o Options) isLocal() bool { return o.DeploymentName == local }
