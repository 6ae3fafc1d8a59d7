package azure

import (
	"context"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"credential-resolver/backend/store"
	"credential-resolver/internal/wirelimit"
)

// client is what the clients of Azure's services are made from.
type client struct {
	options   policy.ClientOptions
	transport *store.SessionTransport
}

// newClient returns a client. opaque means that the SDK does not decode the body of an answer. The SDK
// makes no retry, because storeRetries does.
func newClient(s identitySettings, opaque bool) *client {
	transport := store.NewSessionTransport(newTransport())
	return &client{
		transport: transport,
		options: policy.ClientOptions{
			Cloud:     s.environment().cloud,
			Retry:     policy.RetryOptions{MaxRetries: -1},
			Telemetry: policy.TelemetryOptions{ApplicationID: "credential-resolver"},
			Transport: &http.Client{
				Transport:     &wirelimit.Transport{RoundTripper: transport, Room: wirelimit.NewRoom(wirelimit.RoomSize), Opaque: opaque},
				CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
			},
		},
	}
}

// newTransport returns a transport with the limits of package wirelimit.
func newTransport() *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone() //nolint:forcetypeassert // it is one, unless the program replaces it
	wirelimit.Tighten(t)
	return t
}

// Close closes the connections.
func (c *client) Close() error {
	c.transport.End()
	return nil
}

// identityTimeout limits a request for a token.
const identityTimeout = 10 * time.Second

// identify returns the identity of the metadata, else that of the environment. It gets a token for a
// scope at once, so that a store without an identity does not count as connected.
func (c *client) identify(ctx context.Context, s identitySettings, scope string) (azcore.TokenCredential, error) {
	t := newTransport()
	t.DisableKeepAlives = true
	t.Proxy = unlessLinkLocal(t.Proxy)
	options := c.options
	options.Transport = &http.Client{
		Timeout:       identityTimeout,
		Transport:     &wirelimit.Transport{RoundTripper: t, Room: wirelimit.NewRoom(wirelimit.RoomSize)},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	found, err := newIdentity(s, options)
	if err != nil {
		return nil, err
	}
	// The clients of the services ask with EnableCAE, too. Otherwise the token is another one.
	if _, err := found.GetToken(ctx, policy.TokenRequestOptions{Scopes: []string{scope}, EnableCAE: true}); err != nil {
		return nil, err
	}
	return found, nil
}

// proxyFunc returns the proxy of a request, or nil.
type proxyFunc func(*http.Request) (*url.URL, error)

// unlessLinkLocal returns the proxies without those of link-local addresses. The endpoints of managed
// identities have such addresses. A proxy would reach that of its own machine.
func unlessLinkLocal(proxy proxyFunc) proxyFunc {
	return func(r *http.Request) (*url.URL, error) {
		if address, err := netip.ParseAddr(r.URL.Hostname()); err == nil && address.IsLinkLocalUnicast() || proxy == nil {
			return nil, nil //nolint:nilnil // nil: no proxy
		}
		return proxy(r)
	}
}
