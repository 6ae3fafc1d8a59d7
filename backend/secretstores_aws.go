//go:build !noaws

package backend

import (
	"credential-resolver/backend/aws"
	"credential-resolver/backend/store"
)

func awsSecretStores() map[string]store.Type[store.SecretConn] {
	return map[string]store.Type[store.SecretConn]{
		"secretstores.aws.secretmanager":  aws.SecretsManager(),
		"secretstores.aws.parameterstore": aws.ParameterStore(),
	}
}
