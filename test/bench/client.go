package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	runtime "github.com/dapr/dapr/pkg/proto/runtime/v1"

	"credential-resolver/test/harness"
)

// The protocols for requests to daprd.
const (
	overHTTP = "HTTP"
	overGRPC = "gRPC"
)

func protocols() []string { return []string{overHTTP, overGRPC} }

// client makes requests to daprd over its own connection.
type client interface {
	// ask makes a request. An empty answer is an error.
	ask(ctx context.Context, s step) error
	// secret makes a request to the secrets API and returns the answer.
	secret(ctx context.Context, s step) (map[string]string, error)
	close()
}

func dial(daprd *harness.Daprd, protocol string) (client, error) {
	if protocol == overHTTP {
		return httpClient{daprd, &http.Transport{MaxConnsPerHost: 1}}, nil
	}
	address := fmt.Sprintf("127.0.0.1:%d", daprd.GRPCPort)
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return nil, err
	}
	return grpcClient{conn, runtime.NewDaprClient(conn)}, nil
}

type httpClient struct {
	daprd     *harness.Daprd
	transport *http.Transport
}

var _ client = httpClient{}

func (c httpClient) ask(ctx context.Context, s step) error {
	resp, err := c.get(ctx, s)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	_, err = io.Copy(io.Discard, resp.Body)
	return err
}

func (c httpClient) secret(ctx context.Context, s step) (entries map[string]string, err error) {
	resp, err := c.get(ctx, s)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	err = json.NewDecoder(resp.Body).Decode(&entries)
	return entries, err
}

// get returns an answer that is not empty.
func (c httpClient) get(ctx context.Context, s step) (*http.Response, error) {
	url := c.daprd.URL("/v1.0/" + s.api + "/" + s.store + "/" + s.name)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	resp, err := c.transport.RoundTrip(req)
	if err != nil || resp.StatusCode == http.StatusOK { // daprd answers an empty result with 204
		return resp, err
	}
	body, err := io.ReadAll(resp.Body)
	return nil, errors.Join(fmt.Errorf("%s: %s: %s", url, resp.Status, body), err, resp.Body.Close())
}

func (c httpClient) close() { c.transport.CloseIdleConnections() }

type grpcClient struct {
	conn *grpc.ClientConn
	dapr runtime.DaprClient
}

var _ client = grpcClient{}

func (c grpcClient) ask(ctx context.Context, s step) error {
	size := 0
	if s.api == stateAPI {
		resp, err := c.dapr.GetState(ctx, &runtime.GetStateRequest{StoreName: s.store, Key: s.name})
		if err != nil {
			return err
		}
		size = len(resp.GetData())
	} else {
		entries, err := c.secret(ctx, s)
		if err != nil {
			return err
		}
		size = len(entries)
	}
	if size == 0 {
		return fmt.Errorf("%s/%s: an empty answer", s.store, s.name)
	}
	return nil
}

func (c grpcClient) secret(ctx context.Context, s step) (map[string]string, error) {
	resp, err := c.dapr.GetSecret(ctx, &runtime.GetSecretRequest{StoreName: s.store, Key: s.name})
	return resp.GetData(), err
}

func (c grpcClient) close() { _ = c.conn.Close() }
