package gcp

import (
	"context"
	"crypto/tls"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	grpccredentials "google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/metadata"
)

const (
	// maxHeaders limits the headers of an answer, in bytes.
	maxHeaders = 64 << 10
	// idleTimeout is how long a connection without requests stays open.
	idleTimeout = time.Minute
)

// connection is a gRPC connection to a service, and who we are there.
type connection struct {
	*grpc.ClientConn

	identity *identity // nil: an emulator, which gets no credentials
}

// connect gets a first token, and prepares a connection. limit is the size of the largest answer, in
// bytes. gRPC makes no retry, because storeRetries does.
func connect(ctx context.Context, s settings, own string, limit int) (*connection, error) {
	at := s.server(own)
	c := &connection{}
	secure := insecure.NewCredentials()
	if !at.plain {
		secure = grpccredentials.NewTLS(&tls.Config{MinVersion: tls.VersionTLS12})
		c.identity = newIdentity(s, tokenClient())
		if _, err := c.identity.token(ctx); err != nil {
			c.identity.end()
			return nil, err
		}
	}
	reconnect := backoff.Config{BaseDelay: 200 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: 2 * time.Second}
	var err error
	c.ClientConn, err = grpc.NewClient(at.host,
		grpc.WithTransportCredentials(secure),
		grpc.WithDisableRetry(), grpc.WithDisableServiceConfig(),
		grpc.WithConnectParams(grpc.ConnectParams{Backoff: reconnect, MinConnectTimeout: 3 * time.Second}),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: 30 * time.Second, Timeout: 5 * time.Second}),
		grpc.WithIdleTimeout(idleTimeout),
		grpc.WithMaxHeaderListSize(maxHeaders),
		grpc.WithStaticStreamWindowSize(64<<10), grpc.WithStaticConnWindowSize(1<<20),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(limit)),
	)
	if err != nil {
		c.endIdentity()
		return nil, err
	}
	return c, nil
}

// routing is the header by which the front end of a service finds the resource of a request.
const routing = "x-goog-request-params"

// call makes one call, with headers beside those of the identity. permission is the one that the call
// needs.
func (c *connection) call(ctx context.Context, permission string, headers []string, do func(context.Context) error) error {
	var with token
	if c.identity != nil {
		var err error
		if with, err = c.identity.token(ctx); err != nil {
			return err
		}
		headers = append(headers[:len(headers):len(headers)], "authorization", "Bearer "+with.Value)
		if with.quotaProject != "" {
			headers = append(headers, "x-goog-user-project", with.quotaProject)
		}
	}
	err := do(metadata.AppendToOutgoingContext(ctx, headers...))
	if err == nil {
		return nil
	}
	failed := failure(ctx, err, permission)
	if c.identity != nil && isLapsed(failed) {
		c.identity.refused(with)
	}
	return failed
}

func (c *connection) endIdentity() {
	if c.identity != nil {
		c.identity.end()
	}
}

// Close closes the connection.
func (c *connection) Close() error {
	c.endIdentity()
	return c.ClientConn.Close()
}
