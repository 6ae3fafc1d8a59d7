package aws

import (
	"context"
	"errors"
	"regexp"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"github.com/dapr/kit/logger"

	"credential-resolver/backend/store"
	"credential-resolver/resolver/credential"
)

// ParameterStore is secretstores.aws.parameterstore: parameters of AWS Systems Manager, decrypted.
// The only entry of a secret has its name, without the prefix.
func ParameterStore() store.Type[store.SecretConn] {
	return store.Type[store.SecretConn]{
		Fields:  declared[parameterSettings](),
		Prepare: prepareParameters,
		Connect: connectParameters,
		ValidName: func(fields map[string]string, name string) bool {
			return validParameterName(store.Field(fields, "prefix"), name)
		},
		LeadingSlash: true,
		CheckVersion: checkParameterVersion,
		PolicyTarget: policyTarget,
	}
}

const (
	maxLength = 1011 // of a name, in characters
	maxLevels = 15   // of a name
)

var (
	parameterName  = regexp.MustCompile(`^[A-Za-z0-9_./-]+$`)
	parameterARN   = regexp.MustCompile(`^arn:aws[a-z-]*:ssm:[a-z0-9-]+:[0-9]{12}:parameter/[A-Za-z0-9_./-]+$`)
	parameterLabel = regexp.MustCompile(`^[A-Za-z_.-][A-Za-z0-9_.-]{0,99}$`)
)

// validParameterName reports whether a parameter can have the name, with the prefix before it, or
// the ARN.
func validParameterName(prefix, name string) bool {
	if prefix == "" && parameterARN.MatchString(name) {
		return true
	}
	full := prefix + name
	if name == "" || len(full) > maxLength || !parameterName.MatchString(full) || strings.HasSuffix(full, "/") || strings.Contains(full, "//") {
		return false
	}
	levels := strings.Count(full, "/")
	return levels == 0 || full[0] == '/' && levels <= maxLevels
}

func prepareParameters(fields map[string]string) error {
	if prefix := store.Field(fields, "prefix"); prefix != "" && !parameterName.MatchString(prefix) {
		return errors.New(`prefix has characters that no parameter's name can have; an example is "/team/app/"`)
	}
	return prepare(fields)
}

const errParameterVersion = credential.Remedy("a version of a parameter is a number such as 3, or a label")

func checkParameterVersion(version string) error {
	if n, err := strconv.Atoi(version); err == nil && n > 0 && strconv.Itoa(n) == version || parameterLabel.MatchString(version) {
		return nil
	}
	return errParameterVersion
}

// parameterConn is a connected Parameter Store.
type parameterConn struct {
	*client

	prefix string

	getParameter operation[ssm.GetParameterInput, ssm.GetParameterOutput, ssm.Options]
}

var (
	_ store.SecretConn = (*parameterConn)(nil)
	_ store.Versioned  = (*parameterConn)(nil)
)

func connectParameters(ctx context.Context, fields map[string]string, log logger.Logger) (store.SecretConn, error) {
	s, err := store.Decode[parameterSettings](fields)
	if err != nil {
		return nil, store.Permanent(err)
	}
	c, err := newClient(ctx, s.Common, wire{}, log)
	if err != nil {
		return nil, err
	}
	return &parameterConn{c, s.Prefix, ssm.NewFromConfig(c.config).GetParameter}, nil
}

// Get reads the latest version of a parameter.
func (c *parameterConn) Get(ctx context.Context, name string) (map[string]string, error) {
	return c.get(ctx, name, c.prefix+name)
}

// GetVersion reads the version with a number or a label.
func (c *parameterConn) GetVersion(ctx context.Context, name, version string) (map[string]string, error) {
	return c.get(ctx, name, c.prefix+name+":"+version)
}

func (c *parameterConn) get(ctx context.Context, name, asked string) (map[string]string, error) {
	out, err := c.getParameter(ctx, &ssm.GetParameterInput{Name: aws.String(asked), WithDecryption: aws.Bool(true)})
	switch code, _ := saying(err); {
	case code == "InvalidKeyId":
		return nil, kmsRefusal(code)
	case err != nil:
		return nil, failure(ctx, err, "ssm:GetParameter", "ParameterNotFound", "ParameterVersionNotFound")
	case out.Parameter == nil || out.Parameter.Value == nil:
		return nil, store.Unavailable(errNotAWS)
	}
	return map[string]string{name: *out.Parameter.Value}, nil
}
