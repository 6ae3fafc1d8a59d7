package vault

import (
	"reflect"

	"github.com/dapr/components-contrib/metadata"
	kitmd "github.com/dapr/kit/metadata"
)

// settings are the metadata of the store: first the fields of contrib's store with its
// defaults, then ours.
type settings struct {
	Address     string `mapstructure:"vaultAddr"`
	Token       string `mapstructure:"vaultToken"`
	TokenFile   string `mapstructure:"vaultTokenMountPath"`
	EnginePath  string `mapstructure:"enginePath"`
	Prefix      string `mapstructure:"vaultKVPrefix"`
	UsePrefix   bool   `mapstructure:"vaultKVUsePrefix"`
	ValueType   string `mapstructure:"vaultValueType"` // "map" or "text"
	CAPem       string `mapstructure:"caPem"`
	CAFolder    string `mapstructure:"caPath"`
	CAFile      string `mapstructure:"caCert"`
	ServerName  string `mapstructure:"tlsServerName"`
	SkipVerify  string `mapstructure:"skipVerify"` // "true" or "false"
	AuthMethod  string `mapstructure:"authMethod"`
	AuthMount   string `mapstructure:"authMountPath"` // "" means the name of the method
	Role        string `mapstructure:"role"`
	RoleID      string `mapstructure:"roleID"`
	SecretID    string `mapstructure:"secretID"`
	SecretFile  string `mapstructure:"secretIDPath"`
	JWTFile     string `mapstructure:"jwtPath"`
	Username    string `mapstructure:"username"`
	Password    string `mapstructure:"password"`
	Certificate string `mapstructure:"clientCert"` // the path of a file
	Key         string `mapstructure:"clientKey"`  // the path of a file
	Namespace   string `mapstructure:"vaultNamespace"`
}

// declaredFields returns the names of all fields.
func declaredFields() (fields metadata.MetadataMap) {
	_ = metadata.GetMetadataInfoFromStructType(reflect.TypeFor[settings](), &fields, metadata.SecretStoreType)
	return fields
}

// decode returns the settings that checked fields mean. Its error may contain a value.
func decode(fields map[string]string) (settings, error) {
	s := settings{
		Address: "https://127.0.0.1:8200", EnginePath: "secret", Prefix: "dapr", UsePrefix: true,
		ValueType: valueMap, AuthMethod: methodToken,
	}
	if err := kitmd.DecodeMetadata(fields, &s); err != nil {
		return settings{}, err
	}
	if !s.UsePrefix {
		s.Prefix = ""
	}
	if s.AuthMount == "" {
		s.AuthMount = s.AuthMethod
	}
	if s.AuthMethod == methodKubernetes && s.JWTFile == "" {
		s.JWTFile = serviceAccountToken
	}
	return s, nil
}

// The values of vaultValueType.
const (
	valueMap  = "map"
	valueText = "text"
)

// serviceAccountToken is where Kubernetes mounts the token of a pod's service account.
const serviceAccountToken = "/var/run/secrets/kubernetes.io/serviceaccount/token"
