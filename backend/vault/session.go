package vault

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"

	"github.com/openbao/openbao/api/v2"

	"credential-resolver/backend/store"
	"credential-resolver/internal/wirelimit"
	"credential-resolver/resolver/credential"
)

// session is a client with connections of its own, for one token.
type session struct {
	address   string // without a slash at its end
	namespace string // "" means the root namespace
	http      *http.Client
	transport *store.SessionTransport
	token     string
	grant     *grant // nil if the token is not renewed
}

// open makes a session without a token. It reads the certificates, and sends nothing.
func open(settings settings, room *wirelimit.Room) (*session, error) {
	config, err := tlsConfig(settings)
	if err != nil {
		return nil, err
	}
	transport := &http.Transport{TLSClientConfig: config, ForceAttemptHTTP2: true}
	wirelimit.Tighten(transport)
	own := store.NewSessionTransport(transport)
	return &session{
		address: settings.Address, namespace: settings.Namespace, transport: own,
		http: &http.Client{Transport: &wirelimit.Transport{RoundTripper: own, Room: room}, CheckRedirect: checkRedirect},
	}, nil
}

// renewer returns the vendor's client for the session's token, which renews it.
func (s *session) renewer() (*api.Client, error) {
	client, err := api.NewClient(&api.Config{
		Address: s.address, DisableEnvironment: true, Timeout: store.DefaultTimeout, HttpClient: s.http,
		CheckRetry: func(context.Context, *http.Response, error) (bool, error) { return false, nil }, // the watcher does
	})
	if err != nil {
		return nil, err
	}
	if s.namespace != "" {
		client.SetNamespace(s.namespace)
	}
	client.SetToken(s.token)
	return client, nil
}

// tlsConfig returns the settings of TLS. The certificate of authMethod cert is read when the
// session is opened.
func tlsConfig(settings settings) (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if settings.SkipVerify == "true" {
		config.InsecureSkipVerify = true
	} else {
		config.ServerName = settings.ServerName
		authority, err := readAuthority(settings)
		if err != nil {
			return nil, err
		}
		if authority != "" {
			config.RootCAs = x509.NewCertPool()
			if !config.RootCAs.AppendCertsFromPEM([]byte(authority)) {
				return nil, store.Permanent(credential.Remedy("caPem contains no certificate as PEM text"))
			}
		}
	}
	if settings.AuthMethod == methodCert {
		certificate, err := readCertificate(settings)
		if err != nil {
			return nil, err
		}
		config.Certificates = []tls.Certificate{certificate}
	}
	return config, nil
}

// readCertificate reads the certificate that we log in with. Its two files may be replaced one
// after the other, so that they do not fit for a moment.
func readCertificate(settings settings) (tls.Certificate, error) {
	var parts [2][]byte
	for i, path := range []string{settings.Certificate, settings.Key} {
		var err error
		if parts[i], err = store.ReadSmall(path, store.MaxCertificateFile); err != nil {
			return tls.Certificate{}, store.Explained("a file of clientCert or clientKey cannot be read", err)
		}
	}
	certificate, err := tls.X509KeyPair(parts[0], parts[1])
	if err != nil { // its text may quote the files
		return tls.Certificate{}, credential.Remedy("the files of clientCert and clientKey are not a certificate and its key as PEM text")
	}
	return certificate, nil
}

// get reads a path below /v1/, with an optional query.
func (s *session) get(ctx context.Context, path string, query url.Values) (answer, error) {
	return s.send(ctx, http.MethodGet, s.token, path, query, nil)
}

// put writes to a path below /v1/. It sends the given token instead of the session's; "" means none.
func (s *session) put(ctx context.Context, token, path string, body map[string]any) (answer, error) {
	text, err := json.Marshal(body)
	if err != nil {
		return answer{}, store.Unavailable(errNotVault)
	}
	return s.send(ctx, http.MethodPut, token, path, nil, text)
}

// send sends a request, and reads an answer of any status. It does not use the vendor's client,
// which makes a new client for each request: a read would take half as long again.
func (s *session) send(ctx context.Context, method, token, path string, query url.Values, body []byte) (answer, error) {
	req, err := http.NewRequestWithContext(ctx, method, s.address, bytes.NewReader(body))
	if err != nil {
		return answer{}, store.Permanent(credential.Remedy("vaultAddr cannot be used"))
	}
	req.URL.Path += "/v1/" + path
	req.URL.RawQuery = query.Encode()
	req.Header.Set("X-Vault-Request", "true") // an agent or a proxy may require it
	if token != "" {
		req.Header.Set("X-Vault-Token", token)
	}
	if s.namespace != "" {
		req.Header.Set("X-Vault-Namespace", s.namespace)
	}
	resp, err := s.http.Do(req)
	if err != nil {
		return answer{}, unanswered(ctx, err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return answer{}, unanswered(ctx, &url.Error{Err: err})
	}
	return newAnswer(resp.StatusCode, text, resp.Header.Get("Retry-After")), nil
}

// unanswered classifies a request that got no complete answer.
func unanswered(ctx context.Context, err error) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return store.Failed(ctx.Err())
	}
	return store.Unanswered(err, errNotVault)
}

// errRedirected is the failure of a request that is redirected to another path.
const errRedirected = credential.Remedy("the answer redirects to another path: check vaultAddr and enginePath")

// checkRedirect allows one redirect, which must not change the request. A standby node may
// redirect to the active node. A redirect to another path would read another secret, or send the
// token elsewhere.
func checkRedirect(to *http.Request, via []*http.Request) error {
	from := via[0]
	if len(via) > 1 || to.Method != from.Method || to.URL.EscapedPath() != from.URL.EscapedPath() ||
		to.URL.RawQuery != from.URL.RawQuery || from.URL.Scheme == "https" && to.URL.Scheme != "https" {
		return errRedirected
	}
	return nil
}
