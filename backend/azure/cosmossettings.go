package azure

import (
	"context"
	"errors"
	"net/url"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/data/azcosmos"

	"credential-resolver/backend/store"
)

// cosmosSettings are the metadata of Cosmos DB.
type cosmosSettings struct {
	Identity identitySettings `mapstructure:",squash"`

	URL        string `mapstructure:"url"`
	Key        string `mapstructure:"masterKey"`
	Database   string `mapstructure:"database"`
	Collection string `mapstructure:"collection"`

	ContentType string `mapstructure:"contentType"` // no effect, because a config is written as bytes
}

func prepareCosmos(fields map[string]string) error {
	if err := prepare(fields); err != nil {
		return err
	}
	s, err := store.Decode[cosmosSettings](fields)
	switch {
	case err != nil:
		return errors.New("a field has a value of the wrong type")
	case !store.IsAddress(s.URL):
		return errors.New(`url is not an address such as "https://account.documents.azure.com:443/"`)
	case s.Key == "" && strings.HasPrefix(s.URL, "http://"):
		return errors.New("url must begin with https, because a token is sent to it: or set masterKey")
	}
	if _, err := azcosmos.NewKeyCredential(s.Key); err != nil {
		return errors.New("masterKey is not a key of a Cosmos DB account: it is base64")
	}
	return nil
}

// open returns a client of the collection.
func (s cosmosSettings) open(ctx context.Context, c *client) (*azcosmos.ContainerClient, error) {
	options := &azcosmos.ClientOptions{ClientOptions: c.options}
	options.PerRetryPolicies = []policy.Policy{witness{}, genuine{}}
	var account *azcosmos.Client
	if s.Key != "" {
		key, err := azcosmos.NewKeyCredential(s.Key)
		if err != nil {
			return nil, store.Permanent(errCosmos)
		}
		if account, err = azcosmos.NewClientWithKey(s.URL, key, options); err != nil {
			return nil, store.Permanent(errCosmos)
		}
	} else {
		identity, err := c.identify(ctx, s.Identity, s.scope())
		if err != nil {
			return nil, err
		}
		if account, err = azcosmos.NewClient(s.URL, identity, options); err != nil {
			return nil, store.Permanent(errCosmos)
		}
	}
	collection, err := account.NewContainer(s.Database, s.Collection)
	if err != nil {
		return nil, store.Permanent(errCosmos)
	}
	return collection, nil
}

// scope returns the scope of the tokens for the account.
func (s cosmosSettings) scope() string {
	u, _ := url.Parse(s.URL) // prepareCosmos has checked it
	return u.Scheme + "://" + u.Hostname() + "/.default"
}
