package harness

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"net/http"
	"os"
	"path/filepath"
	"strconv"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/data/aztables"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob"
)

// AzuriteServer describes a service of Azurite, which emulates Azure Storage.
type AzuriteServer struct {
	// Service is "blob" or "table".
	Service string
	// Account is the name of its only account.
	Account string
	// Key is the account's key, before base64.
	Key string
	// TLS has it serve HTTPS, and accept tokens of Microsoft Entra ID. It checks their audience and
	// their times, and not their signature.
	TLS bool
}

// Azurite is a running service of Azurite. Its data is on disk.
type Azurite struct {
	*Server

	// CA issued the server's certificate; nil if it serves plain HTTP.
	CA *Authority

	of AzuriteServer
}

// StartAzurite starts a service with the given program.
func StartAzurite(ctx context.Context, path string, of AzuriteServer) (*Azurite, error) {
	a := &Azurite{of: of}
	var err error
	a.Server, err = newServer(serverSpec{
		path: path, env: []string{"AZURITE_ACCOUNTS=" + of.Account + ":" + a.Key()},
		args: func(s *Server) []string {
			args := []string{"--" + of.Service + "Port", strconv.Itoa(s.port), "--location", s.Dir, "--disableTelemetry", "--skipApiVersionCheck"}
			if of.TLS {
				args = append(args, "--cert", filepath.Join(s.Dir, "cert.pem"), "--key", filepath.Join(s.Dir, "key.pem"), "--oauth", "basic")
			}
			return args
		},
	})
	if err != nil {
		return nil, err
	}
	if of.TLS {
		if err := a.makeCertificate(); err != nil {
			return a, err
		}
	}
	return a, a.Start(ctx)
}

func (a *Azurite) makeCertificate() error {
	authority, err := NewAuthority()
	if err != nil {
		return err
	}
	a.CA = &authority
	cert, key, err := authority.Issue("azurite", "127.0.0.1")
	if err != nil {
		return err
	}
	for name, text := range map[string]string{"cert.pem": cert, "key.pem": key, "ca.pem": authority.Certificate} {
		if err := os.WriteFile(filepath.Join(a.Dir, name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// CAFile is the file of the authority, for a server with TLS.
func (a *Azurite) CAFile() string { return filepath.Join(a.Dir, "ca.pem") }

// Key returns the key of the account.
func (a *Azurite) Key() string { return base64.StdEncoding.EncodeToString([]byte(a.of.Key)) }

// URL returns the address of all accounts.
func (a *Azurite) URL() string {
	if a.of.TLS {
		return "https://" + a.Address
	}
	return "http://" + a.Address
}

// AccountURL returns the address of the account.
func (a *Azurite) AccountURL() string { return a.URL() + "/" + a.of.Account }

// options are those of an administrator's client.
func (a *Azurite) options() policy.ClientOptions {
	if a.CA == nil {
		return policy.ClientOptions{}
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM([]byte(a.CA.Certificate))
	return policy.ClientOptions{Transport: &http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
	}}}
}

// Blobs returns an administrator's client of the service "blob".
func (a *Azurite) Blobs() (*azblob.Client, error) {
	key, err := azblob.NewSharedKeyCredential(a.of.Account, a.Key())
	if err != nil {
		return nil, err
	}
	return azblob.NewClientWithSharedKeyCredential(a.AccountURL(), key, &azblob.ClientOptions{ClientOptions: a.options()})
}

// Tables returns an administrator's client of the service "table".
func (a *Azurite) Tables() (*aztables.ServiceClient, error) {
	key, err := aztables.NewSharedKeyCredential(a.of.Account, a.Key())
	if err != nil {
		return nil, err
	}
	return aztables.NewServiceClientWithSharedKey(a.AccountURL(), key, &aztables.ClientOptions{ClientOptions: a.options()})
}
