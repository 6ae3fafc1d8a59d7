package harness

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
)

// FakeGCS is fake-gcs-server, which emulates Google Cloud Storage in memory. It does not check who
// asks.
type FakeGCS struct{ *Server }

// StartFakeGCS starts fake-gcs-server with the given program.
func StartFakeGCS(ctx context.Context, path string) (*FakeGCS, error) {
	server, err := newServer(serverSpec{path: path, args: func(s *Server) []string {
		return []string{
			"-backend", "memory", "-scheme", "http", "-host", "127.0.0.1", "-port", strconv.Itoa(s.port), "-public-host", s.Address,
		}
	}})
	if err != nil {
		return nil, err
	}
	g := &FakeGCS{server}
	return g, g.Start(ctx)
}

// URL returns the address of the service.
func (g *FakeGCS) URL() string { return "http://" + g.Address }

// CreateBucket creates a bucket.
func (g *FakeGCS) CreateBucket(ctx context.Context, name string) error {
	return g.send(ctx, http.MethodPost, "/storage/v1/b?project=my-project", "application/json", `{"name":"`+name+`"}`)
}

// PutObject stores an object.
func (g *FakeGCS) PutObject(ctx context.Context, bucket, name, text string) error {
	path := "/upload/storage/v1/b/" + bucket + "/o?uploadType=media&name=" + url.QueryEscape(name)
	return g.send(ctx, http.MethodPost, path, "text/plain", text)
}

// DeleteObject deletes an object.
func (g *FakeGCS) DeleteObject(ctx context.Context, bucket, name string) error {
	return g.send(ctx, http.MethodDelete, "/storage/v1/b/"+bucket+"/o/"+url.PathEscape(name), "", "")
}

func (g *FakeGCS) send(ctx context.Context, method, path, contentType, text string) error {
	req, err := http.NewRequestWithContext(ctx, method, g.URL()+path, bytes.NewReader([]byte(text)))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", contentType)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode > 299 {
		said, _ := io.ReadAll(resp.Body)
		return fmt.Errorf("%s %s: status %d: %s", method, path, resp.StatusCode, said)
	}
	return nil
}
