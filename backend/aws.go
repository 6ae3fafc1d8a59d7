//go:build !noaws

package backend

import (
	"credential-resolver/backend/aws"
	"credential-resolver/backend/store"
)

func awsConfigStores() map[string]store.Type[store.ConfigConn] {
	return map[string]store.Type[store.ConfigConn]{
		"state.aws.dynamodb": aws.DynamoDB(),
		"bindings.aws.s3":    aws.S3(),
	}
}

func awsSecretStores() map[string]store.Type[store.SecretConn] {
	return map[string]store.Type[store.SecretConn]{
		"secretstores.aws.secretmanager":  aws.SecretsManager(),
		"secretstores.aws.parameterstore": aws.ParameterStore(),
	}
}
