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

// tlsSplice terminates a client's TLS in this process, and makes a second TLS connection to
// the server with the client's settings. It is for clients that start TLS themselves in the
// middle of a connection; otherwise the plain text could not be checked. All bytes that leave
// the process are encrypted.
type tlsSplice struct {
	outer *tls.Config // to the server
	inner *tls.Config // to the client
}

// newTLSSplice returns a splice, and the TLS config that the client must use instead of the
// given one. Nothing else knows the splice's certificate.
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

// splice makes a TLS connection to the server and passes its plain text through bound. It
// returns the connection on which the client starts its own TLS.
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
