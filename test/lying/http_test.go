//go:build e2e && stores && linux

package lying

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/http2"
)

// web speaks HTTP/1.1, or HTTP/2 inside TLS. With HTTP/2, a handler sends the lies.
type web struct {
	answer func(*http.Request) (status int, body string)
	tls    bool
	lie    http.HandlerFunc // for HTTP/2; nil for HTTP/1.1
}

func (w web) handshake(conn net.Conn) (net.Conn, error) {
	if !w.tls {
		return conn, nil
	}
	if w.lie != nil {
		return withTLS(conn, http2.NextProtoTLS)
	}
	return withTLS(conn)
}

func (w web) serve(conn net.Conn, lying func() bool) error {
	if w.lie != nil {
		return w.serve2(conn, lying)
	}
	reader := bufio.NewReader(conn)
	for {
		req, err := http.ReadRequest(reader)
		if err != nil {
			return err
		}
		if lying() {
			return nil
		}
		status, body := w.answer(req)
		_, err = fmt.Fprintf(conn, "HTTP/1.1 %d X\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", status, len(body), body)
		if err != nil {
			return err
		}
	}
}

func (w web) serve2(conn net.Conn, lying func() bool) error {
	new(http2.Server).ServeConn(conn, &http2.ServeConnOpts{ //nolint:staticcheck // the connection has already had a handshake
		Handler: http.HandlerFunc(func(out http.ResponseWriter, req *http.Request) {
			out.Header().Set("Content-Type", "application/json")
			if lying() {
				w.lie(out, req)
				return
			}
			status, body := w.answer(req)
			out.WriteHeader(status)
			_, _ = out.Write([]byte(body))
		}),
	})
	return errors.New("the connection has ended")
}

// bomb returns 64 MiB of spaces, compressed.
func bomb() []byte {
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	block := bytes.Repeat([]byte(" "), 1<<20)
	for range 64 {
		_, _ = w.Write(block)
	}
	_ = w.Close()
	return packed.Bytes()
}

// entries returns many small entries of a JSON object.
func entries() string {
	var text strings.Builder
	for i := range 150_000 {
		fmt.Fprintf(&text, `"%x":"",`, i)
	}
	return text.String()
}

func webLies() []lie {
	head := func(status int, headers ...string) string {
		return fmt.Sprintf("HTTP/1.1 %d X\r\nContent-Type: application/json\r\n%s\r\n", status, strings.Join(headers, ""))
	}
	const terabyte = "Content-Length: 1099511627776\r\n"
	secret := `{"kind":"Secret","apiVersion":"v1","metadata":{"name":"name"},"data":{"data":{"a":"`
	many := `{"kind":"Secret","apiVersion":"v1","metadata":{"name":"name"},"data":{"data":{` + entries()
	lies := []lie{
		{name: "a head without end", first: []byte("HTTP/1.1 200 OK\r\n"), again: []byte("X-A: b\r\n")},
		{name: "a line without end", first: []byte("HTTP/1.1 200 OK\r\nX-A: "), again: []byte("x")},
		{name: "early hints without end", again: []byte("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n")},
		{name: "a terabyte, and nothing", first: []byte(head(200, terabyte))},
		{name: "a terabyte, slowly", first: []byte(head(200, terabyte) + secret), again: []byte("x"), slowly: true},
		{name: "a terabyte", first: []byte(head(200, terabyte) + secret), again: []byte("x")},
		{name: "a chunk without end", first: []byte(head(200, "Transfer-Encoding: chunked\r\n") + "7fffffffffffffff\r\n" + secret), again: []byte("x")},
		{name: "chunks without end", first: []byte(head(200, "Transfer-Encoding: chunked\r\n")), again: []byte("1;x=y\r\n \r\n")},
		{name: "an error without end", first: []byte(head(500) + `{"errors":["`), again: []byte("x")},
		{name: "a miss without end", first: []byte(head(404) + `{"errors":[`), again: []byte(`"x",`)},
		{name: "entries without end", first: []byte(head(200) + many), again: []byte(`"":"",`)},
		{name: "nesting without end", first: []byte(head(200) + `{"data":`), again: []byte(`[`)},
		{name: "a gzip bomb", first: append([]byte(head(200, "Content-Encoding: gzip\r\n")), bomb()...)},
		{name: "redirects without end", again: []byte(head(307, "Location: /v1/a\r\n", "Content-Length: 0\r\n"))},
	}
	for i := range lies {
		lies[i].only = thereafter // HTTP has no handshake
	}
	return everywhere(lies...)
}

// web2Lies are lies over HTTP/2. Go's server writes the frames.
func web2Lies() map[string]http.HandlerFunc {
	endless := func(status int, part string) http.HandlerFunc {
		return func(w http.ResponseWriter, req *http.Request) {
			w.WriteHeader(status)
			block := bytes.Repeat([]byte(part), 16<<10)
			for req.Context().Err() == nil {
				if _, err := w.Write(block); err != nil {
					return
				}
			}
		}
	}
	packed := bomb()
	return map[string]http.HandlerFunc{
		"a body without end":   endless(200, `"a",`),
		"an error without end": endless(500, "x"),
		"a large head": func(w http.ResponseWriter, _ *http.Request) {
			for i := range 20_000 {
				w.Header().Set(fmt.Sprintf("X-%d", i), "0123456789")
			}
			w.WriteHeader(http.StatusOK)
		},
		"a gzip bomb": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(packed)
		},
	}
}

// runWeb tests a store over both versions of HTTP.
func runWeb(t *testing.T, s store, honest web) {
	s.lies = webLies()
	s.server = honest
	t.Run(s.kind, s.run)
	honest.tls = true
	s.name = s.kind + " over HTTP/2"
	for name, handler := range web2Lies() {
		honest.lie = handler
		s.server = honest
		s.lies = []lie{{name: name, only: thereafter}}
		t.Run(s.name+" "+name, s.run)
	}
}

func TestLyingVault(t *testing.T) {
	runWeb(t, store{
		kind: "secretstores.hashicorp.vault", secrets: true,
		fields: func(_ *testing.T, s store, address string) map[string]string {
			scheme := "http://"
			if s.server.(web).tls {
				scheme = "https://"
			}
			return map[string]string{"vaultAddr": scheme + address, "vaultToken": "token", "skipVerify": "true"}
		},
	}, web{answer: func(req *http.Request) (int, string) {
		if req.URL.Path == "/v1/sys/internal/ui/mounts/secret" {
			return 200, `{"data":{"path":"secret/","type":"kv","options":{"version":"2"}}}`
		}
		return 404, `{"errors":[]}`
	}})
}

func TestLyingKubernetes(t *testing.T) {
	runWeb(t, store{
		kind: "secretstores.kubernetes", secrets: true,
		fields: func(t *testing.T, s store, address string) map[string]string {
			scheme := "http://"
			if s.server.(web).tls {
				scheme = "https://"
			}
			path := filepath.Join(t.TempDir(), "kubeconfig")
			require.NoError(t, os.WriteFile(path, fmt.Appendf(nil, `{"kind":"Config","apiVersion":"v1","current-context":"c",
				"clusters":[{"name":"c","cluster":{"server":"%s","insecure-skip-tls-verify":true}}],
				"users":[{"name":"u","user":{"token":"t"}}],
				"contexts":[{"name":"c","context":{"cluster":"c","user":"u","namespace":"team"}}]}`, scheme+address), 0o600))
			return map[string]string{"kubeconfigPath": path}
		},
	}, web{answer: func(req *http.Request) (int, string) {
		switch {
		case req.URL.Path == "/readyz":
			return 200, "ok"
		case strings.HasSuffix(req.URL.Path, "/namespaces/team"):
			return 200, `{"kind":"Namespace","apiVersion":"v1","metadata":{"name":"team"}}`
		}
		return 404, `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"NotFound","code":404,"details":{"kind":"secrets","name":"name"}}`
	}})
}
