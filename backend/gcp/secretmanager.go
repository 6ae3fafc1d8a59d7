package gcp

import (
	"context"
	"hash/crc32"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"cloud.google.com/go/secretmanager/apiv1/secretmanagerpb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/dapr/kit/logger"

	"credential-resolver/backend/store"
	"credential-resolver/resolver/credential"
)

// SecretManager is secretstores.gcp.secretmanager: Google Cloud's Secret Manager.
//
// The only entry of a secret has its name. A text that is a JSON object stands for its fields
// (DESIGN.md, section 4, step 6).
func SecretManager() store.Type[store.SecretConn] {
	return store.Type[store.SecretConn]{
		Fields:       declared[struct{}](),
		Prepare:      prepare,
		Connect:      connectManager,
		ValidName:    func(_ map[string]string, name string) bool { return validSecretName(name) },
		CheckVersion: checkSecretVersion,
		PolicyTarget: policyTarget,
	}
}

var (
	secretName    = regexp.MustCompile(`^[A-Za-z0-9_-]{1,255}$`)
	fullName      = regexp.MustCompile(`^projects/[a-z0-9][a-z0-9.:-]{0,99}/secrets/[A-Za-z0-9_-]{1,255}$`)
	secretVersion = regexp.MustCompile(`^([1-9][0-9]{0,18}|[A-Za-z][A-Za-z0-9_-]{0,62})$`)
)

// validSecretName reports whether a secret can have the name, or the full name of its resource.
func validSecretName(name string) bool {
	return secretName.MatchString(name) || fullName.MatchString(name)
}

const (
	errSecretName    = credential.Remedy(`a secret's name has letters, digits, "-" and "_", or is "projects/<project>/secrets/<name>"`)
	errSecretVersion = credential.Remedy("a version of a secret in Secret Manager is a number such as 3, an alias, or latest")
)

func checkSecretVersion(version string) error {
	if !secretVersion.MatchString(version) {
		return errSecretVersion
	}
	return nil
}

const (
	managerHost = "secretmanager.googleapis.com"
	// maxSecretAnswer limits an answer, in bytes. A secret has at most 64 KiB.
	maxSecretAnswer = 80 << 10
	latest          = "latest"
	accessVersion   = "secretmanager.versions.access"
)

// managerConn is a connected Secret Manager.
type managerConn struct {
	*connection

	client  secretmanagerpb.SecretManagerServiceClient
	project string
}

var (
	_ store.SecretConn = (*managerConn)(nil)
	_ store.Versioned  = (*managerConn)(nil)
)

func connectManager(ctx context.Context, fields map[string]string, _ logger.Logger) (store.SecretConn, error) {
	s, err := store.Decode[settings](fields)
	if err != nil {
		return nil, store.Permanent(err)
	}
	c, err := connect(ctx, s, managerHost, maxSecretAnswer)
	if err != nil {
		return nil, err
	}
	return &managerConn{c, secretmanagerpb.NewSecretManagerServiceClient(c.ClientConn), s.Project}, nil
}

// Get reads the latest version of a secret.
func (c *managerConn) Get(ctx context.Context, name string) (map[string]string, error) {
	return c.GetVersion(ctx, name, latest)
}

// GetVersion reads the version with a number or an alias.
func (c *managerConn) GetVersion(ctx context.Context, name, version string) (map[string]string, error) {
	if !validSecretName(name) { // a config has stated it
		return nil, store.Unable(errSecretName)
	}
	asked := c.resource(name) + "/versions/" + version
	var found *secretmanagerpb.AccessSecretVersionResponse
	var missing error
	err := c.call(ctx, accessVersion, []string{routing, "name=" + url.QueryEscape(asked)}, func(ctx context.Context) (err error) {
		found, err = c.client.AccessSecretVersion(ctx, &secretmanagerpb.AccessSecretVersionRequest{Name: asked})
		missing = unusableVersion(err)
		return err
	})
	switch {
	case missing != nil:
		return nil, missing
	case err != nil:
		return nil, err
	}
	payload := found.GetPayload()
	if payload == nil || payload.DataCrc32C != nil &&
		int64(crc32.Checksum(payload.GetData(), crc32.MakeTable(crc32.Castagnoli))) != payload.GetDataCrc32C() {
		return nil, store.Unavailable(errNotGoogle)
	}
	return map[string]string{ownName(name): string(payload.GetData())}, nil
}

// resource returns the full name of a secret.
func (c *managerConn) resource(name string) string {
	if strings.Contains(name, "/") {
		return name
	}
	return "projects/" + c.project + "/secrets/" + name
}

// ownName returns the name of a secret without that of its project.
func ownName(name string) string { return name[strings.LastIndexByte(name, '/')+1:] }

const (
	errDisabled = credential.Remedy("the version of the secret is disabled: enable it, or add a version")
	errKMS      = credential.Remedy("Cloud KMS does not decrypt the secret: check that its key is enabled, and Secret Manager's right to use it")
)

// unusableVersion returns the failure of a call that is about the version itself; nil if err is
// another one. A destroyed version counts as missing, as a deleted one does in Vault. A disabled one
// exists, and must not count as a literal. Google tells the states apart by the text alone.
func unusableVersion(err error) error {
	said := status.Convert(err)
	text := said.Message()
	reason, _ := detailsOf(said)
	switch {
	case said.Code() == codes.NotFound && !slices.Contains(unusableProject, reason) && !strings.HasPrefix(text, "Project "):
		return store.Absent()
	case said.Code() != codes.FailedPrecondition:
		return nil
	case strings.Contains(text, " is in DESTROYED state"):
		return store.Absent()
	case strings.Contains(text, " is in DISABLED state"):
		return store.Unable(errDisabled)
	case strings.Contains(text, "KMS") || strings.Contains(text, "cryptoKeys"):
		return &credential.StoreError{Kind: credential.Denied, General: true, Err: errKMS}
	}
	return nil
}
