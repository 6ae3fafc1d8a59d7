package backend

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"os"
	"strconv"
	"strings"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/dapr/components-contrib/metadata"
	"github.com/dapr/components-contrib/state"
	contrib "github.com/dapr/components-contrib/state/etcd"
	"github.com/dapr/kit/logger"
	kitstrings "github.com/dapr/kit/strings"

	"credential-resolver/backend/store"
	"credential-resolver/resolver/credential"
)

// stateEtcdV1 is version v1 of daprd's state.etcd, and stateEtcdV2 is version v2.
func stateEtcdV1() store.Type[store.ConfigConn] { return stateEtcd(contrib.NewEtcdStateStoreV1) }
func stateEtcdV2() store.Type[store.ConfigConn] { return stateEtcd(contrib.NewEtcdStateStoreV2) }

// stateEtcd is either version. v1, which daprd still uses if its Component names no version,
// stores the bytes unchanged. v2 stores them in an envelope. Neither version can read what the
// other wrote: v2 fails, and v1 returns the envelope, which is not JSON. Keys are stored under
// keyPrefixPath + "/". A document that an application saved through daprd's HTTP API has lost
// its field order and the digits of long numbers. Over gRPC it keeps them.
//
// contrib identifies a client only by its certificate: it has no fields for a name and a
// password. If the server does not trust the certificate, the TLS handshake fails. gRPC
// reports that like any other broken connection, and the client keeps trying until the call's
// deadline. The result is Unavailable or DeadlineExceeded.
func stateEtcd(newStore func(logger.Logger) state.Store) store.Type[store.ConfigConn] {
	return store.Type[store.ConfigConn]{
		Fields:   etcdFields(newStore),
		Required: map[string]string{"endpoints": "name the servers, as in etcd.example:2379"},
		Prepare:  checkEtcd,
		Connect: func(ctx context.Context, fields map[string]string, log logger.Logger) (store.ConfigConn, error) {
			return connectEtcd(ctx, newStore(log), fields)
		},
	}
}

// etcdFields returns the fields that contrib declares, named as in its documentation.
func etcdFields(newStore func(logger.Logger) state.Store) metadata.MetadataMap {
	fields := metadata.MetadataMap{}
	for name, field := range store.DeclaredFields(newStore(nil)) {
		switch name {
		case "CA", "TLSEnable":
			name = strings.ToLower(name[:len("CA")]) + name[len("CA"):]
			name = strings.Replace(name, "tlSEnable", "tlsEnable", 1)
		}
		fields[name] = field
	}
	return fields
}

// checkEtcd checks the metadata as contrib's Init does. It also rejects certificates that
// would not be used.
func checkEtcd(fields map[string]string) error {
	field := func(name string) string {
		value, _ := metadata.GetMetadataProperty(fields, name)
		return value
	}
	if ops := field("maxTxnOps"); ops != "" {
		if _, err := strconv.Atoi(ops); err != nil {
			return errors.New("maxTxnOps is not a whole number")
		}
	}
	ca, cert, key := field("ca"), field("cert"), field("key")
	if !kitstrings.IsTruthy(field("tlsEnable")) {
		if ca+cert+key != "" {
			return errors.New(`ca, cert and key have no effect without tlsEnable: set tlsEnable to "true"`)
		}
		return nil
	}
	if ca == "" || cert == "" || key == "" {
		return errors.New("tlsEnable needs ca, cert and key")
	}
	if !x509.NewCertPool().AppendCertsFromPEM([]byte(ca)) {
		return errors.New("ca is not a certificate as PEM text")
	}
	if _, err := tls.X509KeyPair([]byte(cert), []byte(key)); err != nil {
		return errors.New("cert and key are not a pair of PEM texts")
	}
	return nil
}

// etcdProbe is the key that is read to check whether the server answers. It does not need to
// exist or to be readable.
const etcdProbe = "credential-resolver"

func connectEtcd(ctx context.Context, contribs state.Store, fields map[string]string) (store.ConfigConn, error) {
	quietEtcd()
	if err := contribs.Init(ctx, state.Metadata{Base: metadata.Base{Properties: fields}}); err != nil {
		discard(contribs)
		return nil, store.Permanent(err) // Init does not connect, so a retry cannot help
	}
	if err := boundEtcd(contribs, fields); err != nil {
		discard(contribs)
		return nil, store.Permanent(err)
	}
	object := newEtcdStore(contribs, fields)
	_, err := object.Get(ctx, &state.GetRequest{Key: etcdProbe})
	if !etcdAnswered(err) {
		discard(contribs)
		return nil, classifyEtcd(err)
	}
	conn := &stateConn{object, classifyEtcd}
	prefix, _ := metadata.GetMetadataProperty(fields, "keyPrefixPath")
	if strings.HasSuffix(prefix, "/") {
		return conn, nil // contrib lists keys in a different place from where it stores them
	}
	// All keys in one page: contrib's paging skips keys that were created together, and never
	// ends with more than 16,000 keys.
	return &stateLister{conn, object, wholePage}, nil
}

// etcdAnswered reports whether a server answered. "Permission denied" and an answer that
// cannot be decoded count too.
func etcdAnswered(err error) bool {
	code, ok := etcdCode(err)
	var unreachable *credential.StoreError
	return err == nil || code == codes.PermissionDenied ||
		!ok && !errors.As(err, &unreachable) && !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, context.Canceled)
}

// quietEtcd stops etcd's client from writing each of its attempts, with addresses, to standard
// error. contrib offers no other way.
func quietEtcd() {
	const level = "ETCD_CLIENT_DEBUG"
	if _, ok := os.LookupEnv(level); !ok {
		_ = os.Setenv(level, "fatal")
	}
}

// classifyEtcd classifies an error by its gRPC code.
func classifyEtcd(err error) error {
	var known *credential.StoreError
	if errors.As(err, &known) {
		return known
	}
	code, ok := etcdCode(err)
	if !ok {
		return store.Failed(err)
	}
	kind := credential.Unavailable
	switch {
	case code == codes.PermissionDenied, code == codes.Unauthenticated, anonymous(err):
		kind = credential.Denied
	case code == codes.DeadlineExceeded:
		kind = credential.Timeout
	}
	return &credential.StoreError{Kind: kind, Err: err}
}

// anonymous reports whether the server requires authentication. etcd has no separate code for
// that.
func anonymous(err error) bool {
	return errors.Is(err, rpctypes.ErrUserEmpty) || errors.Is(err, rpctypes.ErrAuthFailed)
}

// etcdCode returns the gRPC code of an error of etcd's client.
func etcdCode(err error) (codes.Code, bool) {
	if err == nil {
		return codes.OK, false
	}
	var named rpctypes.EtcdError
	if errors.As(err, &named) {
		return named.Code(), true
	}
	s, ok := status.FromError(err)
	return s.Code(), ok
}
