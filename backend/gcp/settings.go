package gcp

import (
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"net"
	"net/url"
	"reflect"
	"regexp"
	"strings"

	"cloud.google.com/go/auth/credentials"

	"github.com/dapr/components-contrib/metadata"

	"credential-resolver/backend/store"
)

// settings are the metadata of all stores: the fields of contrib's stores, then ours. Each store of
// contrib has one of the two spellings of a name; here each store has both.
type settings struct {
	Type         string `mapstructure:"type"`
	Project      string `mapstructure:"project_id" mapstructurealiases:"projectID"`
	PrivateKeyID string `mapstructure:"private_key_id" mapstructurealiases:"privateKeyID"`
	PrivateKey   string `mapstructure:"private_key" mapstructurealiases:"privateKey"`
	ClientEmail  string `mapstructure:"client_email" mapstructurealiases:"clientEmail"`
	ClientID     string `mapstructure:"client_id" mapstructurealiases:"clientID"`
	TokenURI     string `mapstructure:"token_uri" mapstructurealiases:"tokenURI"`

	// No effect: the fields of a service account's key that only a browser needs.
	AuthURI             string `mapstructure:"auth_uri" mapstructurealiases:"authURI"`
	AuthProviderCertURL string `mapstructure:"auth_provider_x509_cert_url" mapstructurealiases:"authProviderX509CertURL"`
	ClientCertURL       string `mapstructure:"client_x509_cert_url" mapstructurealiases:"clientX509CertURL"`

	Endpoint string `mapstructure:"endpoint" mapstructurealiases:"connectionEndpoint"`
}

// declared returns the fields that all stores have, and those of one store's own settings.
func declared[T any]() metadata.MetadataMap {
	return store.StructFields(reflect.TypeFor[settings](), reflect.TypeFor[T]())
}

// projectID matches the ID or the number of a project. An old ID may have a domain before it.
var projectID = regexp.MustCompile(`^[a-z0-9][a-z0-9.:-]{0,99}$`)

// prepare checks the fields that all stores have. Its errors contain no value.
func prepare(fields map[string]string) error {
	s, err := store.Decode[settings](fields)
	if err != nil {
		return errors.New("a field has a value of the wrong type")
	}
	server, ok := serverAt(s.Endpoint)
	switch {
	case s.Project == "":
		return errors.New("project_id is missing: name the project")
	case !projectID.MatchString(s.Project):
		return errors.New("project_id is not the ID of a project, such as \"my-project\"")
	case !ok:
		return errors.New(`endpoint is not an address such as "https://secretmanager-name.p.googleapis.com", without a path`)
	case !s.hasKey() && s.PrivateKeyID+s.PrivateKey+s.ClientEmail != "":
		return errors.New("private_key_id, private_key and client_email belong together: " +
			"set all of them, or none to use the identity of the environment")
	case s.hasKey() && server.plain:
		return errors.New("an endpoint without TLS gets no credentials: use https, or remove private_key")
	case s.hasKey():
		return s.checkKey()
	}
	return nil
}

// hasKey reports whether the metadata have the key of a service account.
func (s settings) hasKey() bool {
	return s.PrivateKeyID != "" && s.PrivateKey != "" && s.ClientEmail != ""
}

// checkKey checks the key of a service account. It sends nothing.
func (s settings) checkKey() error {
	if s.Type != "" && s.Type != string(credentials.ServiceAccount) {
		return errors.New("type must be service_account: another identity belongs into a file that GOOGLE_APPLICATION_CREDENTIALS names")
	}
	if s.TokenURI != "" && (!store.IsAddress(s.TokenURI) || !strings.HasPrefix(s.TokenURI, "https://")) {
		return errors.New(`token_uri is not an address such as "https://oauth2.googleapis.com/token"`)
	}
	block, _ := pem.Decode([]byte(s.pemKey()))
	if block == nil {
		return errors.New("private_key is not PEM text: copy it from the key's JSON file")
	}
	_, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if _, old := x509.ParsePKCS1PrivateKey(block.Bytes); err != nil && old != nil {
		return errors.New("private_key is not a private key: copy it from the key's JSON file")
	}
	return nil
}

// pemKey returns the private key. A line break may be written as in Google's JSON file.
func (s settings) pemKey() string { return strings.ReplaceAll(s.PrivateKey, `\n`, "\n") }

// key returns the key of a service account in the form of Google's JSON file.
func (s settings) key() []byte {
	file := map[string]string{
		"type": string(credentials.ServiceAccount), "project_id": s.Project, "private_key_id": s.PrivateKeyID,
		"private_key": s.pemKey(), "client_email": s.ClientEmail, "client_id": s.ClientID,
	}
	if s.TokenURI != "" {
		file["token_uri"] = s.TokenURI
	}
	text, _ := json.Marshal(file) // cannot fail
	return text
}

// server is the address of a service.
type server struct {
	host  string // with its port
	plain bool   // without TLS: an emulator, which gets no credentials
}

// serverAt returns the server that endpoint means; host "" means Google's own. An endpoint without a
// scheme is an emulator's, as in contrib's Firestore store. False: endpoint is not an address.
func serverAt(endpoint string) (server, bool) {
	if endpoint == "" {
		return server{}, true
	}
	if !strings.Contains(endpoint, "://") {
		endpoint = "http://" + endpoint
	}
	u, err := url.Parse(endpoint)
	if err != nil || !store.IsAddress(endpoint) || u.Hostname() == "" || strings.Trim(u.Path, "/") != "" {
		return server{}, false
	}
	s := server{host: u.Host, plain: u.Scheme == "http"}
	if u.Port() == "" {
		port := "443"
		if s.plain {
			port = "80"
		}
		s.host = net.JoinHostPort(u.Hostname(), port)
	}
	return s, true
}

// server returns the server of a service. own is the host that Google has for it.
func (s settings) server(own string) server {
	found, _ := serverAt(s.Endpoint)
	if found.host == "" {
		found.host = own + ":443"
	}
	return found
}
