//go:build e2e && stores && linux

package lying

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"net"
	"net/http"
	"testing"

	"golang.org/x/net/http2"
)

// grpcWeb speaks HTTP/2 without TLS, as gRPC does.
type grpcWeb struct{ web }

func (g grpcWeb) handshake(conn net.Conn) (net.Conn, error) {
	if g.tls {
		return withTLS(conn, http2.NextProtoTLS)
	}
	return conn, nil
}

func (g grpcWeb) serve(conn net.Conn, lying func() bool) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	new(http2.Server).ServeConn(conn, &http2.ServeConnOpts{ //nolint:staticcheck // the connection has already had a handshake
		Context: ctx,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			w.Header().Set("Content-Type", "application/grpc")
			if lying() {
				g.lie(w, req)
				return
			}
			w.Header().Set("Trailer", "Grpc-Status")
			_, _ = w.Write(make([]byte, 5)) // an empty answer: no such key
			w.Header().Set("Grpc-Status", "0")
		}),
	})
	return errors.New("the connection has ended")
}

func TestLyingEtcd(t *testing.T) {
	message := func(compressed byte, length uint32, first, again string) http.HandlerFunc {
		return func(w http.ResponseWriter, req *http.Request) {
			_, _ = w.Write(append(binary.BigEndian.AppendUint32([]byte{compressed}, length), first...))
			w.(http.Flusher).Flush()
			block := bytes.Repeat([]byte(again), 16<<10)
			for len(block) > 0 && req.Context().Err() == nil {
				if _, err := w.Write(block); err != nil {
					return
				}
			}
			<-req.Context().Done()
		}
	}
	packed := bomb()
	lies := map[string]http.HandlerFunc{
		"the longest message, and nothing": message(0, 1<<31-1, "", ""),
		"the longest message":              message(0, 1<<31-1, "\x12\xff\xff\xff\x7f", "x"),
		"keys of 16 MiB without end":       message(0, 16<<20-2, "", "\x12\x00"),
		"keys of 60 KiB without end":       message(0, 60<<10, "", "\x12\x00"),
		"a value of 16 MiB":                message(0, 16<<20-2, "\x12\xf0\xff\xff\x07\x2a\xe0\xff\xff\x07", "x"),
		"messages without end":             message(0, 0, "", "\x00\x00\x00\x00\x00"),
		"a gzip bomb":                      message(1, uint32(len(packed)), string(packed), ""),
		"a large head":                     web2Lies()["a large head"],
	}
	for name, tls := range map[string]bool{"state.etcd": false, "state.etcd with TLS": true} {
		s := store{
			name: name, kind: "state.etcd",
			fields: func(_ *testing.T, s store, address string) map[string]string {
				fields := map[string]string{"endpoints": address}
				if s.server.(grpcWeb).tls {
					fields["tlsEnable"] = "true"
					fields["cert"], fields["key"] = pems()
					fields["ca"] = fields["cert"]
				}
				return fields
			},
			server: grpcWeb{web{tls: tls}}, lies: everywhere(), inside: tls,
		}
		for i := range s.lies {
			s.lies[i].only = atOnce
		}
		t.Run(name, s.run)
		for lieName, handler := range lies {
			s.server = grpcWeb{web{tls: tls, lie: handler}}
			s.lies = []lie{{name: lieName, only: thereafter}}
			t.Run(name+" "+lieName, s.run)
		}
	}
}
