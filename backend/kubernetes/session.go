package kubernetes

import (
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/rest"

	"credential-resolver/backend/store"
	"credential-resolver/internal/wirelimit"
	"credential-resolver/resolver/credential"
)

// sessionFiles holds the contents of the files that a configuration names. All of these files
// are replaced from time to time.
type sessionFiles struct{ token, authority, certificate, key string }

func readFiles(config *rest.Config) (sessionFiles, error) {
	var files sessionFiles
	for _, file := range []struct {
		path  string
		given []byte // takes precedence over the file
		to    *string
	}{
		{config.BearerTokenFile, nil, &files.token},
		{config.CAFile, config.CAData, &files.authority},
		{config.CertFile, config.CertData, &files.certificate},
		{config.KeyFile, config.KeyData, &files.key},
	} {
		if file.path == "" || len(file.given) > 0 {
			continue
		}
		text, err := store.ReadSmall(file.path, store.MaxCertificateFile)
		if err != nil {
			return files, unread(namedFile, err)
		}
		*file.to = string(text)
	}
	if config.BearerTokenFile != "" && strings.TrimSpace(files.token) == "" {
		return files, credential.Remedy("the token's file is empty")
	}
	return files, nil
}

// session is a client and the contents of the files that it was made from.
type session struct {
	*rest.RESTClient

	files     sessionFiles
	transport *store.SessionTransport
}

// newSession makes a client from the contents of the files. It does not pass their names on,
// because client-go would watch the files of a certificate with a goroutine that never ends.
//
// client-go would also keep the transport forever and share it with the sessions of other
// stores. So newSession sets a proxy function: each session then gets a transport of its own,
// and nothing of it is left once its connections are closed. Redirects are not followed,
// because the token would be sent along.
func newSession(config *rest.Config, files sessionFiles) (*session, error) {
	config = rest.CopyConfig(config)
	for _, file := range []struct {
		text string
		path *string
		to   *[]byte
	}{
		{files.authority, &config.CAFile, &config.CAData},
		{files.certificate, &config.CertFile, &config.CertData},
		{files.key, &config.KeyFile, &config.KeyData},
	} {
		if *file.path = ""; file.text != "" {
			*file.to = []byte(file.text)
		}
	}
	if config.Proxy == nil {
		config.Proxy = http.ProxyFromEnvironment // client-go's default
	}
	var own *store.SessionTransport
	bound := config.WrapTransport
	config.WrapTransport = func(inner http.RoundTripper) http.RoundTripper {
		transport := inner.(*http.Transport)
		wirelimit.Tighten(transport)
		own = store.NewSessionTransport(transport)
		return bound(own)
	}
	transport, err := rest.TransportFor(config)
	if err != nil {
		return nil, err
	}
	client, err := rest.RESTClientForConfigAndClient(config, &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	})
	if err != nil {
		return nil, err
	}
	return &session{client, files, own}, nil
}

// again returns the session for a second attempt after a failure; nil: no second attempt.
//
// For a moment after a file was replaced, the API server does not know us or we do not trust
// it: client-go rereads a token's file only once a minute. If an exec plugin logs us in,
// client-go has already run it again by now. The error means that the API server does not know
// us and that a file cannot be used now.
func (c *conn) again(used *session, err error) (*session, error) {
	unauthorized := apierrors.IsUnauthorized(err)
	if !unauthorized && !isOfTLS(err) {
		return nil, nil
	}
	renewed, unusable := c.renew(used)
	switch {
	case renewed != nil:
		return renewed, nil
	case unauthorized && unusable != nil: // the next token may be in the file
		return nil, store.Failed(store.Explained("the API server rejects our login, and a file with a newer login cannot be used now", unusable))
	case unauthorized && c.config.ExecProvider != nil:
		return used, nil
	}
	return nil, nil
}

// errFiles replaces client-go's own error, which may contain parts of a file.
var errFiles = credential.Remedy(namedFile + " has unexpected content")

// isOfTLS reports whether one side rejects the other side's certificate.
func isOfTLS(err error) bool {
	var authority *tls.CertificateVerificationError
	var network *net.OpError
	return errors.As(err, &authority) || errors.As(err, &network) && network.Op == "remote error"
}

// renew makes a session from the current contents of the files. It returns the current session
// if another call has already done so, and nil if the contents are those of the session that
// failed. The error means that a file cannot be read or used.
func (c *conn) renew(used *session) (*session, error) {
	files, err := readFiles(c.config)
	if err != nil || files == used.files {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.session.Load()
	if now.files == files {
		return now, nil
	}
	renewed, err := newSession(c.config, files)
	if err != nil {
		return nil, errFiles
	}
	if c.closed { // nobody waits for the call any more
		renewed.transport.End()
		return renewed, nil
	}
	c.session.Store(renewed)
	now.transport.End()
	return renewed, nil
}
