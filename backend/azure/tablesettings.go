package azure

import (
	"errors"
	"regexp"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/data/aztables"

	"credential-resolver/backend/store"
)

// tableSettings are the metadata of Table Storage, and of the tables of Cosmos DB.
type tableSettings struct {
	Identity identitySettings `mapstructure:",squash"`

	Table   string `mapstructure:"tableName" mapstructurealiases:"table,storageAccountTable"`
	Account string `mapstructure:"accountName" mapstructurealiases:"storageAccount,storageAccountName"`
	Key     string `mapstructure:"accountKey" mapstructurealiases:"accessKey,storageAccessKey,storageAccountKey"`
	URL     string `mapstructure:"serviceURL"`
	Cosmos  bool   `mapstructure:"cosmosDbMode"`

	SkipCreate bool `mapstructure:"skipCreateTable"` // no effect, because no table is created
}

// tableName matches the name of a table.
var tableName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9]{2,62}$`)

func prepareTable(fields map[string]string) error {
	if err := store.CheckBooleans(fields, "cosmosDbMode", "skipCreateTable"); err != nil {
		return err
	}
	if err := prepare(fields); err != nil {
		return err
	}
	s, err := store.Decode[tableSettings](fields)
	switch {
	case err != nil:
		return errors.New("a field has a value of the wrong type")
	case s.Table == "":
		return errors.New("tableName is missing: name the table that holds the configs")
	case !tableName.MatchString(s.Table):
		return errors.New("tableName is not the name of a table: it has 3 to 63 letters and digits, and begins with a letter")
	case !accountName.MatchString(s.Account):
		return errors.New("accountName must be the name of the account")
	case s.URL != "" && !store.IsAddress(s.URL):
		return errors.New(`serviceURL is not an address such as "https://account.table.core.windows.net"`)
	case s.Key == "" && strings.HasPrefix(s.URL, "http://"):
		return errors.New("serviceURL must begin with https, because a token is sent to it: or set accountKey")
	}
	if _, err := s.open(policy.ClientOptions{}); err != nil {
		return errors.New("accountKey is not a key of an account: it is base64")
	}
	return nil
}

// open returns a client of the table. If the metadata have no key, the options have the policy that adds
// a token.
func (s tableSettings) open(options policy.ClientOptions) (*aztables.Client, error) {
	// The paths of the SDK begin with a slash.
	address, o := strings.TrimSuffix(s.url(), "/"), &aztables.ClientOptions{ClientOptions: options}
	if s.Key == "" {
		service, err := aztables.NewServiceClientWithNoCredential(address, o)
		if err != nil {
			return nil, err
		}
		return service.NewClient(s.Table), nil
	}
	key, err := aztables.NewSharedKeyCredential(s.Account, s.Key)
	if err != nil {
		return nil, err
	}
	service, err := aztables.NewServiceClientWithSharedKey(address, key, o)
	if err != nil {
		return nil, err
	}
	return service.NewClient(s.Table), nil
}

// url returns the address of the tables. contrib's is always that of the public cloud.
func (s tableSettings) url() string {
	switch {
	case s.URL != "":
		return s.URL
	case s.Cosmos:
		return "https://" + s.Account + ".table.cosmos.azure.com"
	}
	return "https://" + s.Account + ".table." + s.Identity.environment().storage
}

// scope returns the scope of the tokens.
func (s tableSettings) scope() string {
	if !s.Cosmos {
		return storageScope
	}
	of := s.Identity.environment().cloud
	if len(of.Services) == 0 {
		of = cloud.AzurePublic
	}
	return of.Services[aztables.ServiceName].Audience + "/.default"
}
