package aws

import (
	"context"
	"encoding/base64"
	"regexp"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"github.com/dapr/kit/logger"

	"credential-resolver/backend/store"
	"credential-resolver/resolver/credential"
)

// SecretsManager is secretstores.aws.secretmanager: AWS Secrets Manager.
//
// The only entry of a secret has its name. A text that is a JSON object stands for its fields
// (DESIGN.md, section 4, step 6). With multipleKeyValuesPerSecret, the fields are entries, as
// texts; a field that is not a string is the text of its JSON. A binary secret is the base64 of
// its bytes; contrib's store answers it without entries, so that it looks missing.
func SecretsManager() store.Type[store.SecretConn] {
	return store.Type[store.SecretConn]{
		Fields:       declared[managerSettings](),
		Prepare:      prepareManager,
		Connect:      connectManager,
		ValidName:    func(_ map[string]string, name string) bool { return validManagerName(name) },
		CheckVersion: checkManagerVersion,
		PolicyTarget: policyTarget,
	}
}

func prepareManager(fields map[string]string) error {
	if err := store.CheckBooleans(fields, "multipleKeyValuesPerSecret"); err != nil {
		return err
	}
	return prepare(fields)
}

var (
	managerName  = regexp.MustCompile(`^[A-Za-z0-9/_+=.@-]{1,512}$`)
	managerARN   = regexp.MustCompile(`^arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:[A-Za-z0-9/_+=.@-]{1,519}$`)
	managerStage = regexp.MustCompile(`^[!-~]{1,256}$`)
	versionID    = regexp.MustCompile(`^[A-Za-z0-9-]{32,64}$`)
)

// validManagerName reports whether a secret can have the name, or the ARN.
func validManagerName(name string) bool {
	return managerName.MatchString(name) || managerARN.MatchString(name)
}

const errManagerVersion = credential.Remedy("a version of a secret in Secrets Manager is its ID, or a stage such as AWSPREVIOUS")

func checkManagerVersion(version string) error {
	if !managerStage.MatchString(version) {
		return errManagerVersion
	}
	return nil
}

// managerConn is a connected Secrets Manager.
type managerConn struct {
	*client

	several bool

	getSecretValue operation[secretsmanager.GetSecretValueInput, secretsmanager.GetSecretValueOutput, secretsmanager.Options]
}

var (
	_ store.SecretConn = (*managerConn)(nil)
	_ store.Versioned  = (*managerConn)(nil)
)

func connectManager(ctx context.Context, fields map[string]string, log logger.Logger) (store.SecretConn, error) {
	s, err := store.Decode[managerSettings](fields)
	if err != nil {
		return nil, store.Permanent(err)
	}
	c, err := newClient(ctx, s.Common, wire{}, log)
	if err != nil {
		return nil, err
	}
	return &managerConn{c, s.Several, secretsmanager.NewFromConfig(c.config).GetSecretValue}, nil
}

// Get reads the current version of a secret.
func (c *managerConn) Get(ctx context.Context, name string) (map[string]string, error) {
	return c.get(ctx, &secretsmanager.GetSecretValueInput{SecretId: aws.String(name)})
}

// GetVersion reads the version with an ID or a stage.
func (c *managerConn) GetVersion(ctx context.Context, name, version string) (map[string]string, error) {
	in := &secretsmanager.GetSecretValueInput{SecretId: aws.String(name)}
	if versionID.MatchString(version) {
		in.VersionId = aws.String(version)
	} else {
		in.VersionStage = aws.String(version)
	}
	return c.get(ctx, in)
}

func (c *managerConn) get(ctx context.Context, in *secretsmanager.GetSecretValueInput) (map[string]string, error) {
	out, err := c.getSecretValue(ctx, in)
	if err != nil {
		return nil, managerFailure(ctx, err)
	}
	if out.Name == nil || out.SecretString == nil && out.SecretBinary == nil {
		return nil, store.Unavailable(errNotAWS)
	}
	if out.SecretString == nil {
		return map[string]string{*out.Name: base64.StdEncoding.EncodeToString(out.SecretBinary)}, nil
	}
	if c.several {
		if entries, ok := store.Texts([]byte(*out.SecretString)); ok {
			return entries, nil
		}
	}
	return map[string]string{*out.Name: *out.SecretString}, nil
}

// managerFailure classifies a failure to read a secret. A secret that is scheduled for deletion
// counts as missing, as a deleted version does in Vault.
func managerFailure(ctx context.Context, err error) error {
	if code, text := saying(err); code == "InvalidRequestException" && markedForDeletion.MatchString(text) {
		return store.Absent()
	} else if code == "DecryptionFailure" {
		return kmsRefusal(code)
	}
	return failure(ctx, err, "secretsmanager:GetSecretValue", "ResourceNotFoundException")
}

var markedForDeletion = regexp.MustCompile(`marked for deletion|scheduled for deletion|marked deleted`)
