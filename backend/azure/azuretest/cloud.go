package azuretest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// Cloud is a proxy that takes the place of all hosts. A host that it does not know does not answer.
type Cloud struct {
	Proxy       string // its URL, for HTTPS_PROXY
	Certificate string // a file with the certificate of all hosts, for SSL_CERT_FILE
	Entra       *Entra
	Vault       *Vault

	proxy, hosts *httptest.Server

	mu    sync.Mutex
	of    map[string]http.Handler
	conns map[net.Conn]struct{}
	down  bool
}

// Start starts a cloud, with Microsoft Entra ID and a vault. It writes the certificate into a folder.
func Start(folder string) (*Cloud, error) {
	certificate, text, err := newCertificate("*.vault.azure.net", "*.vault.azure.cn", "login.microsoftonline.com", "login.chinacloudapi.cn", "login.example.com")
	if err != nil {
		return nil, err
	}
	c := &Cloud{Certificate: filepath.Join(folder, "azure.pem"), Entra: newEntra(), Vault: newVault(), conns: map[net.Conn]struct{}{}}
	if err := os.WriteFile(c.Certificate, text, 0o600); err != nil {
		return nil, err
	}
	c.of = map[string]http.Handler{
		"login.microsoftonline.com": c.Entra, "login.chinacloudapi.cn": c.Entra, "login.example.com": c.Entra,
		VaultHost: c.Vault, VaultName + ".vault.azure.cn": c.Vault,
	}
	c.hosts = httptest.NewUnstartedServer(http.HandlerFunc(c.serveHost))
	c.hosts.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}
	c.hosts.EnableHTTP2 = true
	c.hosts.Config.ErrorLog = log.New(io.Discard, "", 0)
	c.hosts.StartTLS()
	c.proxy = httptest.NewServer(http.HandlerFunc(c.serveProxy))
	c.Proxy = c.proxy.URL
	return c, nil
}

// newCertificate returns a self-signed certificate, and its PEM.
func newCertificate(names ...string) (tls.Certificate, []byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(24 * time.Hour), DNSNames: names,
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return tls.Certificate{}, nil, err
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, text, nil
}

// Handle lets a handler answer for a host; nil means that the host does not exist.
func (c *Cloud) Handle(host string, handler http.Handler) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.of[host] = handler
}

// Cut ends all connections, and refuses others until Restore.
func (c *Cloud) Cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.down = true
	for conn := range c.conns {
		_ = conn.Close()
	}
}

// Restore ends Cut.
func (c *Cloud) Restore() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.down = false
}

// Close stops the cloud.
func (c *Cloud) Close() {
	c.Cut()
	c.proxy.Close()
	c.hosts.CloseClientConnections()
	c.hosts.Close()
}

func (c *Cloud) handler(host string) http.Handler {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.of[host]
}

func (c *Cloud) serveHost(w http.ResponseWriter, r *http.Request) {
	if handler := c.handler(r.Host); handler != nil {
		handler.ServeHTTP(w, r)
		return
	}
	http.NotFound(w, r)
}

// add adds an open connection. False: no connection is allowed.
func (c *Cloud) add(conns ...net.Conn) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, conn := range conns {
		c.conns[conn] = struct{}{}
	}
	return !c.down
}

func (c *Cloud) serveProxy(w http.ResponseWriter, r *http.Request) {
	host, _, err := net.SplitHostPort(r.Host)
	if r.Method != http.MethodConnect || err != nil || c.handler(host) == nil {
		http.Error(w, "<html>no such host</html>", http.StatusBadGateway)
		return
	}
	there, err := net.Dial("tcp", c.hosts.Listener.Addr().String())
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	here, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		_ = there.Close()
		return
	}
	if c.add(here, there) {
		_, _ = io.WriteString(here, "HTTP/1.1 200 OK\r\n\r\n")
		done := make(chan struct{})
		go func() {
			defer close(done)
			_, _ = io.Copy(here, there)
			_ = here.Close()
		}()
		_, _ = io.Copy(there, here)
		_ = there.Close()
		<-done
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, conn := range []net.Conn{here, there} {
		_ = conn.Close()
		delete(c.conns, conn)
	}
}
