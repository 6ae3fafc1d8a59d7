package aws

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"credential-resolver/backend/store"
)

func TestMetadataAreChecked(t *testing.T) {
	for name, test := range map[string]struct {
		fields map[string]string
		want   string
	}{
		"a key without its secret":    {map[string]string{"accessKey": "canary"}, "accessKey and secretKey belong together"},
		"a secret without its key":    {map[string]string{"secretKey": "canary"}, "accessKey and secretKey belong together"},
		"a session without keys":      {map[string]string{"sessionToken": "canary"}, "sessionToken has no effect"},
		"an external ID without role": {map[string]string{"assumeRoleExternalID": "canary"}, "no effect without assumeRoleArn"},
		"a role that is no ARN":       {map[string]string{"assumeRoleArn": "canary"}, "assumeRoleArn is not an ARN"},
		"IAM Roles Anywhere":          {map[string]string{"trustAnchorArn": "canary"}, "trustAnchorArn is not supported"},
		"an endpoint without scheme":  {map[string]string{"endpoint": "canary:443"}, "endpoint is not an address"},
		"an endpoint with a user":     {map[string]string{"endpoint": "https://canary@host"}, "endpoint is not an address"},
		"a prefix that cannot be":     {map[string]string{"prefix": "/canary $/"}, "prefix has characters"},
		"a word that is no boolean":   {map[string]string{"multipleKeyValuesPerSecret": "canary"}, "must be true or false"},
	} {
		t.Run(name, func(t *testing.T) {
			prepare := ParameterStore().Prepare
			if test.fields["multipleKeyValuesPerSecret"] != "" {
				prepare = SecretsManager().Prepare
			}
			err := prepare(test.fields)
			require.ErrorContains(t, err, test.want)
			require.NotContains(t, strings.ReplaceAll(err.Error(), test.want, ""), "canary")
		})
	}
	require.NoError(t, prepare(map[string]string{
		"awsRegion": "eu-west-1", "accessKey": "k", "secretKey": "s", "sessionToken": "t", "assumeRoleArn": "arn:aws:iam::1:role/r",
		"endpoint": "https://vpce-1.secretsmanager.eu-west-1.vpce.amazonaws.com",
	}))
}

func TestOtherNamesOfFieldsAreAccepted(t *testing.T) {
	for _, name := range []string{"awsRegion", "awsAccessKey", "awsSecretKey", "awsSessionToken", "awsIAMRoleArn", "sessionName"} {
		spec := store.Spec{Type: "x", Fields: map[string]string{name: ""}}
		_, _, err := store.Lookup(spec, map[string]store.Type[store.SecretConn]{"x": {Fields: SecretsManager().Fields}})
		require.NoError(t, err, name)
	}
}
