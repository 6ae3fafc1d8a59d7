package azure

import (
	"errors"
	"net/url"
	"regexp"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"

	"credential-resolver/backend/store"
)

// blobSettings are the metadata of Blob Storage. Some of them have no effect here, because a config is
// read and written as it is stored, and because no container is created.
type blobSettings struct {
	Identity identitySettings `mapstructure:",squash"`

	Container  string `mapstructure:"containerName" mapstructurealiases:"container,storageAccountContainer"`
	Account    string `mapstructure:"accountName" mapstructurealiases:"storageAccount,storageAccountName"`
	Key        string `mapstructure:"accountKey" mapstructurealiases:"accessKey,storageAccessKey,storageAccountKey"`
	Connection string `mapstructure:"connectionString"`
	Endpoint   string `mapstructure:"endpoint" mapstructurealiases:"storageEndpoint,storageAccountEndpoint,queueEndpointUrl"`

	AccessLevel     string `mapstructure:"publicAccessLevel"`       // no effect
	DisableEntities bool   `mapstructure:"disableEntityManagement"` // no effect
	RetryCount      string `mapstructure:"retryCount"`              // no effect
	GetRetryCount   string `mapstructure:"getBlobRetryCount"`       // no effect
	DecodeBase64    bool   `mapstructure:"decodeBase64"`            // no effect
}

// containerName matches the name of a container.
var containerName = regexp.MustCompile(`^\$?[a-z0-9-]{1,63}$`)

func prepareBlob(fields map[string]string) error {
	if err := store.CheckBooleans(fields, "disableEntityManagement", "decodeBase64"); err != nil {
		return err
	}
	if err := prepare(fields); err != nil {
		return err
	}
	s, err := store.Decode[blobSettings](fields)
	switch {
	case err != nil:
		return errors.New("a field has a value of the wrong type")
	case s.Container == "":
		return errors.New("containerName is missing: name the container that holds the configs")
	case !containerName.MatchString(s.Container):
		return errors.New("containerName is not the name of a container: it has lower-case letters, digits and hyphens")
	case s.Connection != "":
		if _, err := s.open(policy.ClientOptions{}); err != nil {
			return errors.New("connectionString cannot be used: it needs AccountName or BlobEndpoint, and AccountKey or SharedAccessSignature")
		}
		return nil
	case !accountName.MatchString(s.Account):
		return errors.New("accountName must be the name of a storage account: set it, or connectionString")
	case s.Endpoint != "" && !store.IsAddress(s.Endpoint):
		return errors.New(`endpoint is not an address such as "https://storage.example"`)
	case s.Key == "" && strings.HasPrefix(s.url(), "http://"):
		return errors.New("endpoint must begin with https, because a token is sent to it: or set accountKey")
	}
	if _, err := s.open(policy.ClientOptions{}); err != nil {
		return errors.New("accountKey is not a key of a storage account: it is base64")
	}
	return nil
}

// open returns a client of the container. If the metadata have no key, the options have the policy that
// adds a token.
func (s blobSettings) open(options policy.ClientOptions) (*container.Client, error) {
	o := &container.ClientOptions{ClientOptions: options}
	switch {
	case s.Connection != "":
		return container.NewClientFromConnectionString(s.Connection, s.Container, o)
	case s.Key != "":
		key, err := container.NewSharedKeyCredential(s.Account, s.Key)
		if err != nil {
			return nil, err
		}
		return container.NewClientWithSharedKeyCredential(s.url(), key, o)
	}
	return container.NewClientWithNoCredential(s.url(), o)
}

// url returns the address of the container. Another endpoint has the account in its path, as in contrib.
func (s blobSettings) url() string {
	host := s.Account + ".blob." + s.Identity.environment().storage
	if given, err := url.Parse(s.Endpoint); s.Endpoint != "" && err == nil && given.Hostname() != host {
		return strings.TrimSuffix(s.Endpoint, "/") + "/" + s.Account + "/" + s.Container
	}
	return "https://" + host + "/" + s.Container
}
