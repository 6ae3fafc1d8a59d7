package vault

import (
	"context"
	"crypto/tls"
	"crypto/x509"
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
	client    *api.Client
	transport *store.SessionTransport
	token     string
	grant     *grant // nil if the token did not come from a login
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
	client, err := api.NewClient(&api.Config{
		Address: settings.Address, DisableEnvironment: true, Timeout: store.DefaultTimeout,
		HttpClient: &http.Client{
			Transport:     &samePath{&wirelimit.Transport{RoundTripper: own, Room: room}},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // the client follows it
		},
		CheckRetry: func(context.Context, *http.Response, error) (bool, error) { return false, nil }, // storeRetries does
	})
	if err != nil {
		return nil, store.Permanent(credential.Remedy("vaultAddr cannot be used"))
	}
	if settings.Namespace != "" {
		client.SetNamespace(settings.Namespace)
	}
	return &session{client: client, transport: own}, nil
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

// use sets the session's token.
func (s *session) use(token string) {
	s.token = token
	s.client.SetToken(token)
}

// get reads a path below /v1/.
func (s *session) get(ctx context.Context, path string) (answer, error) {
	resp, err := s.client.Logical().ReadRawWithContext(ctx, path)
	return read(ctx, resp, err)
}

// put writes to a path below /v1/. It sends the given token instead of the session's; "" means none.
func (s *session) put(ctx context.Context, token, path string, body map[string]any) (answer, error) {
	request := s.client.NewRequest(http.MethodPut, "/v1/"+path)
	request.ClientToken = token
	if err := request.SetJSONBody(body); err != nil {
		return answer{}, store.Unavailable(errNotVault)
	}
	resp, err := s.client.RawRequestWithContext(ctx, request)
	return read(ctx, resp, err)
}

// read reads an answer of any status. It drops the client's own error for a status, because its
// text contains the URL and with it the secret's name.
func read(ctx context.Context, resp *api.Response, err error) (answer, error) {
	if resp != nil {
		defer func() { _ = resp.Body.Close() }()
	}
	var status *api.ResponseError
	if err != nil && !errors.As(err, &status) {
		return answer{}, unanswered(ctx, err)
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return answer{}, unanswered(ctx, &url.Error{Err: err})
	}
	return answer{resp.StatusCode, body, resp.Header.Get("Retry-After")}, nil
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

// samePath refuses redirects to another path. A standby node may redirect to the active node.
// A redirect to another path would read another secret, or send the token elsewhere.
type samePath struct{ http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (s *samePath) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := s.RoundTripper.RoundTrip(req)
	if err != nil || resp.StatusCode < 300 || resp.StatusCode > 399 {
		return resp, err
	}
	to, err := resp.Location()
	if err != nil || to.EscapedPath() != req.URL.EscapedPath() || to.RawQuery != req.URL.RawQuery {
		_ = resp.Body.Close()
		return nil, errRedirected
	}
	return resp, nil
}
