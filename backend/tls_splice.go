package backend

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"io"
	"math/big"
	"net"
	"time"
)

// tlsSplice ends the TLS of a client in this process, and makes another to the server by
// what the client was told of it. It is for clients that begin TLS by themselves in the
// middle of a connection, of which nothing could be seen otherwise. No byte that is not
// encrypted leaves the process.
type tlsSplice struct {
	outer *tls.Config // to the server
	inner *tls.Config // to the client
}

// newTLSSplice returns a splice, and what the client is to be configured with in place of
// the given config. Its certificate is known to nobody else.
func newTLSSplice(given *tls.Config) (*tlsSplice, *tls.Config, error) {
	const name = "splice.invalid"
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{name}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Unix(0, 0), NotAfter: time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC),
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, nil, err
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, nil, err
	}
	trusted := x509.NewCertPool()
	trusted.AddCert(leaf)
	splice := &tlsSplice{outer: given.Clone(), inner: &tls.Config{
		Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, MinVersion: tls.VersionTLS13,
	}}
	return splice, &tls.Config{RootCAs: trusted, ServerName: name, MinVersion: tls.VersionTLS13}, nil
}

// splice makes TLS to the server, whose plain text bound sees, and returns the connection
// on which the client makes its own.
func (s *tlsSplice) splice(raw net.Conn, bound func(net.Conn) net.Conn) (net.Conn, error) {
	secure := tls.Client(raw, s.outer)
	if err := secure.Handshake(); err != nil {
		return nil, err
	}
	server := bound(secure)
	outside, inside := net.Pipe()
	client := tls.Server(inside, s.inner)
	pass := func(to, from net.Conn) {
		_, _ = io.Copy(to, from)
		_ = raw.Close()
		_ = inside.Close()
	}
	go pass(server, client)
	go pass(client, server)
	return outside, nil
}
