package aws

import (
	"context"
	"encoding/json"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"credential-resolver/backend/store"
)

const policyTarget = "aws"

var (
	_ store.PolicyWriter = (*managerConn)(nil)
	_ store.PolicyWriter = (*parameterConn)(nil)
)

// statement is the statement of an IAM policy that allows one action.
type statement struct {
	Sid      string
	Effect   string
	Action   string
	Resource []string
}

func policyOf(s statement) (store.Policy, error) {
	s.Effect = "Allow"
	text, err := json.MarshalIndent(struct {
		Version   string
		Statement []statement
	}{"2012-10-17", []statement{s}}, "", "  ")
	return store.Policy{Text: string(text) + "\n"}, err
}

// accountTries is how many secrets are read to learn the account.
const accountTries = 10

// ownARN returns the beginning of the ARNs of a service, up to the account. The account and the
// partition are those of the first of the secrets that exists; arnOf returns its ARN, or "".
// Otherwise they are "*" and "aws".
func (c *client) ownARN(service string, names []string, arnOf func(name string) string) string {
	for _, name := range names[:min(len(names), accountTries)] {
		if parts := strings.Split(arnOf(name), ":"); len(parts) > 5 && parts[2] == service {
			return strings.Join(parts[:5], ":")
		}
	}
	return "arn:aws:" + service + ":" + c.config.Region + ":*"
}

// suffixed matches the ARN of a secret with the six characters that Secrets Manager adds to its
// name.
var suffixed = regexp.MustCompile(`-[A-Za-z0-9]{6}$`)

// anySuffix stands for the six characters. A secret that is made anew gets others.
const anySuffix = "-??????"

// Policy implements [store.PolicyWriter] with a policy for an identity.
func (c *managerConn) Policy(ctx context.Context, names []string) (store.Policy, error) {
	own := c.ownARN("secretsmanager", names, func(name string) string {
		out, err := c.getSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: aws.String(name)})
		if err != nil || managerARN.MatchString(name) { // it may be of another account
			return ""
		}
		return aws.ToString(out.ARN)
	})
	s := statement{Sid: "ReadTheSecretsOfCredentials", Action: "secretsmanager:GetSecretValue"}
	for _, name := range names {
		switch {
		case !managerARN.MatchString(name):
			s.Resource = append(s.Resource, own+":secret:"+name+anySuffix)
		case suffixed.MatchString(name):
			s.Resource = append(s.Resource, name)
		default:
			s.Resource = append(s.Resource, name+anySuffix)
		}
	}
	slices.Sort(s.Resource)
	return policyOf(s)
}

// Policy implements [store.PolicyWriter] with a policy for an identity.
func (c *parameterConn) Policy(ctx context.Context, names []string) (store.Policy, error) {
	own := c.ownARN("ssm", names, func(name string) string {
		out, err := c.getParameter(ctx, &ssm.GetParameterInput{Name: aws.String(c.prefix + name)})
		if err != nil || out.Parameter == nil || parameterARN.MatchString(name) {
			return ""
		}
		return aws.ToString(out.Parameter.ARN)
	})
	s := statement{Sid: "ReadTheParametersOfCredentials", Action: "ssm:GetParameter"}
	for _, name := range names {
		if parameterARN.MatchString(name) {
			s.Resource = append(s.Resource, name)
		} else {
			s.Resource = append(s.Resource, own+":parameter/"+strings.TrimPrefix(c.prefix+name, "/"))
		}
	}
	slices.Sort(s.Resource)
	return policyOf(s)
}
