package aws

import (
	"context"
	"crypto/tls"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go/logging"

	"github.com/dapr/kit/logger"

	"credential-resolver/backend/store"
	"credential-resolver/internal/wirelimit"
	"credential-resolver/resolver/credential"
)

// client is what the clients of AWS's services are made from.
type client struct {
	config    aws.Config
	transport *store.SessionTransport
}

// operation is one operation of a service. A connection has those that it needs, and not the service's
// client: the linker would keep all of its methods, because reflection might call them.
type operation[In, Out, Options any] func(ctx context.Context, in *In, options ...func(*Options)) (*Out, error)

// newClient finds the identity and the region. The identity is that of the metadata, else the one
// that the SDK finds: the environment, a profile, a web identity (IRSA), a container's (EKS pod
// identity, ECS), an instance's. The SDK makes no retry, because storeRetries does.
func newClient(ctx context.Context, s settings, w wire, log logger.Logger) (*client, error) {
	// This client asks for the identity's own credentials. It honours AWS_CA_BUNDLE, and keeps no
	// connection.
	own := awshttp.NewBuildableClient().WithTimeout(identityTimeout).WithTransportOptions(func(t *http.Transport) {
		wirelimit.Tighten(t)
		t.DisableKeepAlives = true
	})
	options := []func(*config.LoadOptions) error{
		config.WithHTTPClient(own),
		config.WithRetryer(func() aws.Retryer { return aws.NopRetryer{} }),
		config.WithCredentialsCacheOptions(renewEarly),
		config.WithLogger(logging.LoggerFunc(func(_ logging.Classification, format string, args ...any) { log.Debugf(format, args...) })),
	}
	if s.Region != "" {
		options = append(options, config.WithRegion(s.Region))
	}
	if s.AccessKey != "" {
		options = append(options, config.WithCredentialsProvider(
			credentials.NewStaticCredentialsProvider(s.AccessKey, s.SecretKey, s.SessionToken)))
	}
	found, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return nil, identityFailure(ctx, err)
	}
	if with, ok := found.HTTPClient.(*awshttp.BuildableClient); ok {
		own = with
	}
	transport := store.NewSessionTransport(w.adapt(own.GetTransport()))
	found.HTTPClient = &http.Client{
		Transport:     &wirelimit.Transport{RoundTripper: transport, Room: wirelimit.NewRoom(wirelimit.RoomSize), Opaque: w.opaque},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	c := &client{transport: transport}
	if found.Region == "" {
		transport.End()
		return nil, store.Permanent(errNoRegion)
	}
	if s.Role != "" {
		assume := stscreds.NewAssumeRoleProvider(sts.NewFromConfig(found), s.Role, func(o *stscreds.AssumeRoleOptions) {
			o.RoleSessionName = s.RoleSession
			if s.ExternalID != "" {
				o.ExternalID = aws.String(s.ExternalID)
			}
		})
		found.Credentials = aws.NewCredentialsCache(assume, renewEarly)
	}
	found.Credentials = &identity{renewed: found.Credentials}
	if s.Endpoint != "" {
		found.BaseEndpoint = aws.String(s.Endpoint)
	}
	c.config = found
	if _, err := found.Credentials.Retrieve(ctx); err != nil {
		transport.End()
		return nil, identityFailure(ctx, err)
	}
	return c, nil
}

const errNoRegion = credential.Remedy("region is not set, and the environment has none: set region, such as \"eu-west-1\"")

// wire says how to talk to a service.
type wire struct {
	insecure bool // any certificate is accepted
	opaque   bool // the SDK does not decode the body of an answer
}

// adapt adapts a transport to the service. A connection is used for many requests.
func (w wire) adapt(t *http.Transport) *http.Transport {
	t.DisableKeepAlives, t.ForceAttemptHTTP2 = false, true
	if w.insecure {
		if t.TLSClientConfig == nil {
			t.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
		}
		t.TLSClientConfig.InsecureSkipVerify = true
	}
	return t
}

// Close closes the connections.
func (c *client) Close() error {
	c.transport.End()
	return nil
}
