package aws

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"credential-resolver/backend/store"
	"credential-resolver/backend/storetest"
	"credential-resolver/resolver/credential"
)

// The codes and texts are those of AWS's own references and guides:
// https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html
// https://docs.aws.amazon.com/secretsmanager/latest/apireference/CommonErrors.html
// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameter.html
// https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
const (
	userMayNot = "User: arn:aws:sts::123456789012:assumed-role/canary/s is not authorized to perform: %s " +
		"on resource: canary because no identity-based policy allows the %s action"
	noKMS = "Access to KMS is not allowed"
)

func mayNot(action string) string { return fmt.Sprintf(userMayNot, action, action) }

type failureCase struct {
	status  int
	body    string
	want    credential.Kind
	general bool // the refusal is not about the name
	lapsed  bool
}

func TestFailuresOfSecretsManagerAreToldApart(t *testing.T) {
	runFailures(t, SecretsManager(), map[string]failureCase{
		"no such secret": {400, said("ResourceNotFoundException", "Secrets Manager can't find the specified secret."), credential.NotFound, false, false},
		"no such version": {
			400, said("ResourceNotFoundException", "Secrets Manager can't find the specified secret value for VersionId: canary"),
			credential.NotFound, false, false,
		},
		"no such stage": {
			400, said("ResourceNotFoundException", "Secrets Manager can't find the specified secret value for staging label: AWSCURRENT"),
			credential.NotFound, false, false,
		},
		"scheduled for deletion": {
			400, said("InvalidRequestException", "You can't perform this operation on the secret because it was marked for deletion."),
			credential.NotFound, false, false,
		},
		"another invalid request": {
			400, said("InvalidRequestException", "You tried to perform the operation on a secret that's currently managed by another service."),
			credential.Unavailable, false, false,
		},
		"a policy that allows other names": {400, said("AccessDeniedException", mayNot("secretsmanager:GetSecretValue")), credential.Denied, false, false},
		"a key that the policy lacks":      {400, said("AccessDeniedException", noKMS), credential.Denied, true, false},
		"a disabled key":                   {400, said("DecryptionFailure", "Secrets Manager can't decrypt the protected secret text."), credential.Denied, true, false},
	})
}

func TestFailuresOfParameterStoreAreToldApart(t *testing.T) {
	runFailures(t, ParameterStore(), map[string]failureCase{
		"no such parameter":                {400, said("ParameterNotFound", ""), credential.NotFound, false, false},
		"no such version":                  {400, said("ParameterVersionNotFound", "Systems Manager could not find version 9 of canary."), credential.NotFound, false, false},
		"a policy that allows other names": {400, said("AccessDeniedException", mayNot("ssm:GetParameter")), credential.Denied, false, false},
		"a key that the policy lacks":      {400, said("AccessDeniedException", mayNot("kms:Decrypt")), credential.Denied, true, false},
		"a disabled key":                   {400, said("InvalidKeyId", "arn:aws:kms:eu-west-1:123456789012:key/canary is disabled."), credential.Denied, true, false},
	})
}

// runFailures runs the cases of a store, and those that all services share.
func runFailures(t *testing.T, of store.Type[store.SecretConn], cases map[string]failureCase) {
	t.Helper()
	for name, test := range map[string]failureCase{
		"unknown keys":              {400, said("UnrecognizedClientException", "The security token included in the request is invalid."), credential.Denied, true, false},
		"a wrong key":               {400, said("InvalidSignatureException", "The request signature we calculated does not match"), credential.Denied, true, false},
		"another region's endpoint": {400, said("InvalidSignatureException", "Credential should be scoped to a valid region."), credential.Denied, true, false},
		"an expired session":        {400, said("ExpiredTokenException", "The security token included in the request is expired"), credential.Denied, true, true},
		"a clock that is slow": {
			400, said("InvalidSignatureException", "Signature expired: 20261127T000000Z is now earlier than 20261127T001000Z"),
			credential.Unavailable, false, false,
		},
		"throttling":                {400, said("ThrottlingException", "Rate exceeded"), credential.Unavailable, false, false},
		"a fault of the service":    {500, said("InternalServiceError", "canary"), credential.Unavailable, false, false},
		"a service that is down":    {503, "canary", credential.Unavailable, false, false},
		"a code that is a text":     {400, said("canary <html>", ""), credential.Unavailable, false, false},
		"a proxy's 404":             {404, "<html>canary</html>", credential.Unavailable, false, false},
		"a proxy's 403":             {403, "<html>canary</html>", credential.Unavailable, false, false},
		"an HTML page":              {200, "<html>canary</html>", credential.Unavailable, false, false},
		"an empty answer":           {200, "{}", credential.Unavailable, false, false},
		"an answer that ends early": {200, `{"Name":"canary","SecretString":"`, credential.Unavailable, false, false},
		"a redirect":                {307, "", credential.Unavailable, false, false},
	} {
		cases[name] = test
	}
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			s := newService(t, test.status, test.body)
			conn := connected(t, of, map[string]string{"endpoint": s.URL})
			entries, err := conn.Get(t.Context(), "canary")
			require.Nil(t, entries)
			require.Equal(t, test.want, credential.KindOf(err), "%v", errors.Unwrap(err))
			require.NotContains(t, fmt.Sprint(errors.Unwrap(err)), "canary")
			require.Equal(t, test.general, storetest.IsGeneral(err))
			var failure *credential.StoreError
			require.ErrorAs(t, err, &failure)
			require.Equal(t, test.lapsed, failure.Lapsed)
		})
	}
}
