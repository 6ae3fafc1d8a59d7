package aws

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"

	"credential-resolver/backend/store"
	"credential-resolver/resolver/credential"
)

// Codes of AWS's services. The status, 400 or 403, does not tell them apart.
var (
	// refusesIdentity are codes for credentials that the service does not accept.
	refusesIdentity = []string{
		"UnrecognizedClientException", "InvalidSignatureException", "SignatureDoesNotMatch", "IncompleteSignature",
		"MissingAuthenticationToken", "MissingAuthenticationTokenException", "InvalidClientTokenId", "InvalidAccessKeyId",
		"InvalidToken", "NotAuthorized", "OptInRequired",
	}
	// ended are codes for credentials that were accepted once.
	ended = []string{"ExpiredToken", "ExpiredTokenException"}
	// skewed are codes for a clock that is wrong. The SDK corrects the time of the next request.
	skewed = []string{"RequestExpired", "RequestInTheFuture", "RequestTimeTooSkewed"}
	denied = []string{"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"}
)

// failure classifies the error of a call to a service. action is what a policy must allow for the
// call, such as "secretsmanager:GetSecretValue". missing are the service's codes for what does not
// exist. The error contains neither a name nor AWS's text, which contains ARNs.
func failure(ctx context.Context, err error, action string, missing ...string) error {
	code, text := saying(err)
	switch {
	case code == "":
		return unanswered(ctx, err)
	case slices.Contains(missing, code):
		return store.Absent()
	case slices.Contains(denied, code):
		return refusal(code, text, action)
	case slices.Contains(ended, code):
		return &credential.StoreError{Kind: credential.Denied, General: true, Lapsed: true, Err: answered(code)}
	case slices.Contains(skewed, code), strings.HasPrefix(text, "Signature expired"),
		strings.HasPrefix(text, "Signature not yet current"):
		return store.Unavailable(store.Explained("the clock of this machine is wrong", answered(code)))
	case slices.Contains(refusesIdentity, code):
		return &credential.StoreError{Kind: credential.Denied, General: true, Err: store.Explained(
			"AWS does not accept the credentials: check accessKey, secretKey, sessionToken, region, and the clock", answered(code))}
	}
	return store.Unavailable(answered(code)) // throttling, 5xx, and everything else
}

// refusal classifies a denied call. AWS says which action no policy allows. If it is another one,
// such as kms:Decrypt, the secret exists, and must not count as a literal.
func refusal(code, text, action string) error {
	if strings.Contains(text, "kms:") || strings.Contains(text, "KMS") {
		return kmsRefusal(code)
	}
	return &credential.StoreError{Kind: credential.Denied, General: !strings.Contains(text, action), Err: answered(code)}
}

// kmsRefusal returns the failure to decrypt a secret. It is General, because the secret exists.
func kmsRefusal(code string) error {
	return &credential.StoreError{Kind: credential.Denied, General: true, Err: store.Explained(errKMS, answered(code))}
}

const errKMS = credential.Remedy("AWS KMS does not decrypt the secret: allow kms:Decrypt for its key, and check that the key is enabled")

// saying returns the code and the text of an error of a service; "" if it is none.
func saying(err error) (code, text string) {
	var said smithy.APIError
	if errors.As(err, &said) {
		return said.ErrorCode(), said.ErrorMessage()
	}
	return "", ""
}

var word = regexp.MustCompile(`^[A-Za-z0-9.]{1,64}$`)

// answered returns the error for a code. A code that no service sends may be any text.
func answered(code string) credential.Remedy {
	if !word.MatchString(code) {
		code = "with an unknown error"
	}
	return credential.Remedy("AWS answered " + code)
}

const errNotAWS = credential.Remedy("the answer does not come from the AWS service, or is incomplete: check region and endpoint")

// unanswered classifies a request that got no answer that the SDK understands.
func unanswered(ctx context.Context, err error) error {
	var response *awshttp.ResponseError
	var network *url.Error
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return store.Failed(ctx.Err())
	case errors.As(err, &network):
		return store.Unanswered(err, errNotAWS)
	case errors.As(err, &response) && response.HTTPStatusCode() != http.StatusOK:
		return store.Unavailable(credential.Remedy(fmt.Sprintf("the answer with status %d does not come from the AWS service: "+
			"check region and endpoint", response.HTTPStatusCode())))
	}
	return store.Unavailable(errNotAWS)
}

const errIdentity = credential.Remedy("no credentials for AWS: set accessKey and secretKey, or give the process an identity " +
	"(a profile, a web identity, a container's or an instance's role)")

// identityFailure classifies a failure to get credentials. A refusal is Lapsed, because it says
// nothing about the secrets.
func identityFailure(ctx context.Context, err error) error {
	if code, _ := saying(err); slices.Contains(slices.Concat(denied, refusesIdentity, ended), code) {
		return &credential.StoreError{Kind: credential.Denied, General: true, Lapsed: true, Err: store.Explained(
			"AWS refuses the identity: check assumeRoleArn and the role's trust policy", answered(code))}
	}
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return store.Failed(ctx.Err())
	}
	return store.Unavailable(errIdentity)
}
