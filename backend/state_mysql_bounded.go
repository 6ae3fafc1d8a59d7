package backend

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"net"
	"reflect"
	"sync"
	"time"
	"unsafe"

	"github.com/go-sql-driver/mysql"

	"github.com/dapr/components-contrib/state"
	"github.com/dapr/kit/logger"

	"credential-resolver/internal/wirelimit"
)

// The driver allocates as many columns as a server announces, and joins packets without a
// limit. contrib's store opens its database through a factory. This file replaces the factory
// with one whose connections are bounded.

// boundedMySQL creates contrib's store with our own factory.
func boundedMySQL(make newState) newState {
	return func(log logger.Logger) state.Store {
		store := make(log)
		field := reflect.ValueOf(store).Elem().FieldByName("factory")
		factory := reflect.NewAt(field.Type(), unsafe.Pointer(field.UnsafeAddr())).Elem() //nolint:gosec // its own type
		theirs := factory.Interface().(mysqlTLSConfigs)
		factory.Set(reflect.ValueOf(&mysqlFactory{theirs, wirelimit.NewRoom(wirelimit.RoomSize)}))
		return store
	}
}

// mysqlTLSConfigs is the part of contrib's factory that is kept.
type mysqlTLSConfigs interface {
	RegisterTLSConfig(path string) error
}

// mysqlFactory replaces contrib's factory.
type mysqlFactory struct {
	mysqlTLSConfigs

	room *wirelimit.Room
}

// boundedNetwork is the network name under which the driver uses our dialer. The dialer then
// uses the network that the address names.
const boundedNetwork = "credential-resolver"

var registerMySQL = sync.OnceFunc(func() {
	mysql.RegisterDialContext(boundedNetwork, func(ctx context.Context, address string) (net.Conn, error) {
		return ctx.Value(mysqlConnector{}).(*mysqlConnector).dial(ctx, address)
	})
})

// Open opens a database. It sends nothing.
func (f *mysqlFactory) Open(address string) (*sql.DB, error) {
	registerMySQL()
	config, err := mysql.ParseDSN(address)
	if err != nil {
		return nil, err
	}
	c := &mysqlConnector{network: config.Net, room: f.room}
	config.Net = boundedNetwork
	if config.TLS != nil {
		if c.secure, config.TLS, err = newTLSSplice(config.TLS); err != nil {
			return nil, err
		}
	}
	if c.Connector, err = mysql.NewConnector(config); err != nil {
		return nil, err
	}
	return sql.OpenDB(c), nil
}

// mysqlConnector makes the connections of one database.
type mysqlConnector struct {
	driver.Connector

	network string
	room    *wirelimit.Room
	secure  *tlsSplice // nil without TLS
}

// Connect implements driver.Connector.
func (c *mysqlConnector) Connect(ctx context.Context) (driver.Conn, error) {
	return c.Connector.Connect(context.WithValue(ctx, mysqlConnector{}, c))
}

func (c *mysqlConnector) dial(ctx context.Context, address string) (net.Conn, error) {
	raw, err := new(net.Dialer).DialContext(ctx, c.network, address)
	if err != nil {
		return nil, err
	}
	framing := wirelimit.MySQL()
	plain := wirelimit.NewConn(raw, c.room, framing)
	if c.secure == nil {
		return plain, nil
	}
	return &mysqlTLSConn{Conn: plain, raw: raw, secure: c.secure, bound: func(conn net.Conn) net.Conn {
		return wirelimit.NewConn(conn, c.room, framing)
	}}, nil
}

// mysqlTLSConn is a connection whose client will ask for TLS. After that, the connection goes
// through a splice, because the client does TLS itself and accepts no connection that already
// uses TLS.
type mysqlTLSConn struct {
	net.Conn

	raw    net.Conn
	secure *tlsSplice
	bound  func(net.Conn) net.Conn

	mu      sync.Mutex
	spliced net.Conn // nil until the client has asked for TLS
}

// clientSSL is the capability flag with which a client asks for TLS.
const clientSSL = 0x08

// asksForTLS reports whether a packet is the request for TLS, which is the short form of a
// login.
func asksForTLS(p []byte) bool {
	return len(p) == 36 && p[0] == 32 && p[1] == 0 && p[2] == 0 && p[3] == 1 && p[5]&clientSSL != 0
}

// Write implements net.Conn.
func (c *mysqlTLSConn) Write(p []byte) (int, error) {
	current := c.current()
	n, err := current.Write(p)
	if err != nil || current != c.Conn || !asksForTLS(p) {
		return n, err
	}
	spliced, err := c.secure.splice(c.raw, c.bound)
	if err != nil {
		return 0, err
	}
	c.mu.Lock()
	c.spliced = spliced
	c.mu.Unlock()
	return n, nil
}

// Read implements net.Conn.
func (c *mysqlTLSConn) Read(p []byte) (int, error) { return c.current().Read(p) }

// Close implements net.Conn.
func (c *mysqlTLSConn) Close() error {
	if current := c.current(); current != c.Conn {
		_ = current.Close()
	}
	return c.Conn.Close()
}

// SetDeadline implements net.Conn.
func (c *mysqlTLSConn) SetDeadline(t time.Time) error { return c.current().SetDeadline(t) }

// SetReadDeadline implements net.Conn.
func (c *mysqlTLSConn) SetReadDeadline(t time.Time) error { return c.current().SetReadDeadline(t) }

// SetWriteDeadline implements net.Conn.
func (c *mysqlTLSConn) SetWriteDeadline(t time.Time) error { return c.current().SetWriteDeadline(t) }

func (c *mysqlTLSConn) current() net.Conn {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.spliced != nil {
		return c.spliced
	}
	return c.Conn
}
