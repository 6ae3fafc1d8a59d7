package aws

import (
	"errors"
	"fmt"
	"maps"
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
	runFailures(t, secretOf(SecretsManager()), map[string]failureCase{
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
	runFailures(t, secretOf(ParameterStore()), map[string]failureCase{
		"no such parameter":                {400, said("ParameterNotFound", ""), credential.NotFound, false, false},
		"no such version":                  {400, said("ParameterVersionNotFound", "Systems Manager could not find version 9 of canary."), credential.NotFound, false, false},
		"a policy that allows other names": {400, said("AccessDeniedException", mayNot("ssm:GetParameter")), credential.Denied, false, false},
		"a key that the policy lacks":      {400, said("AccessDeniedException", mayNot("kms:Decrypt")), credential.Denied, true, false},
		"a disabled key":                   {400, said("InvalidKeyId", "arn:aws:kms:eu-west-1:123456789012:key/canary is disabled."), credential.Denied, true, false},
	})
}

// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_GetItem.html
func TestFailuresOfDynamoDBAreToldApart(t *testing.T) {
	runFailures(t, configOf(DynamoDB(), map[string]string{"table": "canary"}), map[string]failureCase{
		"no such table":                     {400, said("ResourceNotFoundException", "Requested resource not found"), credential.Unavailable, false, false},
		"another key":                       {400, said("ValidationException", "The provided key element does not match the schema"), credential.Unavailable, false, false},
		"a sort key":                        {400, said("ValidationException", "The number of conditions on the keys is invalid"), credential.Unavailable, false, false},
		"too many reads":                    {400, said("ProvisionedThroughputExceededException", "The level of configured provisioned throughput"), credential.Unavailable, false, false},
		"a policy that allows other tables": {400, said("AccessDeniedException", mayNot("dynamodb:GetItem")), credential.Denied, false, false},
		"a key that the policy lacks":       {400, said("AccessDeniedException", "KMS key access denied error: canary"), credential.Denied, true, false},
		"a value of another type":           {200, `{"Item":{"key":{"S":"canary"},"value":{"M":{}}}}`, credential.FailedPrecondition, false, false},
		"no value":                          {200, `{"Item":{"key":{"S":"canary"}}}`, credential.FailedPrecondition, false, false},
	})
}

const xmlHead = `<?xml version="1.0" encoding="UTF-8"?>`

// saidByS3 is the body of an error of S3.
func saidByS3(code, text string) string {
	return fmt.Sprintf(xmlHead+"<Error><Code>%s</Code><Message>%s</Message><Key>canary</Key><RequestId>canary</RequestId></Error>", code, text)
}

// https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
func TestFailuresOfS3AreToldApart(t *testing.T) {
	run(t, configOf(S3(), map[string]string{"bucket": "canary", "forcePathStyle": "true"}), map[string]failureCase{
		"no such object":                     {404, saidByS3("NoSuchKey", "The specified key does not exist."), credential.NotFound, false, false},
		"no such bucket":                     {404, saidByS3("NoSuchBucket", "The specified bucket does not exist"), credential.Unavailable, false, false},
		"no right to list":                   {403, saidByS3("AccessDenied", mayNot("s3:ListBucket")), credential.Denied, false, false},
		"no right to read":                   {403, saidByS3("AccessDenied", "Access Denied"), credential.Denied, false, false},
		"a key of KMS that the policy lacks": {403, saidByS3("AccessDenied", mayNot("kms:Decrypt")), credential.Denied, true, false},
		"a disabled key of KMS":              {400, saidByS3("KMS.DisabledException", "arn:aws:kms:canary is disabled."), credential.Denied, true, false},
		"archived":                           {403, saidByS3("InvalidObjectState", "The operation is not valid for the object's storage class"), credential.FailedPrecondition, false, false},
		"unknown keys":                       {403, saidByS3("InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records."), credential.Denied, true, false},
		"a wrong key":                        {403, saidByS3("SignatureDoesNotMatch", "The request signature we calculated does not match"), credential.Denied, true, false},
		"an expired session":                 {400, saidByS3("ExpiredToken", "The provided token has expired."), credential.Denied, true, true},
		"a wrong clock":                      {403, saidByS3("RequestTimeTooSkewed", "The difference between the request time and the server's time is too large."), credential.Unavailable, false, false},
		"another region, redirected":         {301, saidByS3("PermanentRedirect", "The bucket you are attempting to access must be addressed using canary"), credential.Unavailable, false, false},
		"another region":                     {400, saidByS3("AuthorizationHeaderMalformed", "The authorization header is malformed; the region 'canary' is wrong; expecting 'canary'"), credential.Unavailable, false, false},
		"throttling":                         {503, saidByS3("SlowDown", "Please reduce your request rate."), credential.Unavailable, false, false},
		"a fault of the service":             {500, saidByS3("InternalError", "canary"), credential.Unavailable, false, false},
		"a 404 without a body":               {404, "", credential.Unavailable, false, false},
		"a 403 without a body":               {403, "", credential.Unavailable, false, false},
		"a page without an ETag":             {200, "<html>canary</html>", credential.Unavailable, false, false},
		"a 304 that nobody asked for":        {304, "", credential.Unavailable, false, false},
		"a proxy's 404":                      {404, "<html>canary</html>", credential.Unavailable, false, false},
		"a proxy's 403":                      {403, "<html>canary", credential.Unavailable, false, false},
	})
}

// opened asks a store at an endpoint for "canary".
type opened func(t *testing.T, endpoint string) (any, error)

func secretOf(of store.Type[store.SecretConn]) opened {
	return func(t *testing.T, endpoint string) (any, error) {
		t.Helper()
		return connected(t, of, map[string]string{"endpoint": endpoint}).Get(t.Context(), "canary")
	}
}

func configOf(of store.Type[store.ConfigConn], fields map[string]string) opened {
	return func(t *testing.T, endpoint string) (any, error) {
		t.Helper()
		fields := maps.Clone(fields)
		fields["endpoint"] = endpoint
		return connected(t, of, fields).Get(t.Context(), "canary")
	}
}

// runFailures runs the cases of a store, and those that all services with JSON share.
func runFailures(t *testing.T, ask opened, cases map[string]failureCase) {
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
	run(t, ask, cases)
}

// run asks a service that gives the answer of each case.
func run(t *testing.T, ask opened, cases map[string]failureCase) {
	t.Helper()
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			s := newService(t, test.status, test.body)
			found, err := ask(t, s.URL)
			require.Empty(t, found)
			storetest.RequireKind(t, test.want, err, "%v", errors.Unwrap(err))
			require.NotContains(t, fmt.Sprint(errors.Unwrap(err)), "canary")
			require.Equal(t, test.general, storetest.IsGeneral(err))
			var failure *credential.StoreError
			require.ErrorAs(t, err, &failure)
			require.Equal(t, test.lapsed, failure.Lapsed)
		})
	}
}
