package backend

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"time"

	"go.mongodb.org/mongo-driver/bson"
	"go.mongodb.org/mongo-driver/mongo"
	"go.mongodb.org/mongo-driver/mongo/options"
	"go.mongodb.org/mongo-driver/mongo/readconcern"
	"go.mongodb.org/mongo-driver/mongo/writeconcern"
	"go.mongodb.org/mongo-driver/x/mongo/driver/ocsp"

	"github.com/dapr/components-contrib/state"
	kitmetadata "github.com/dapr/kit/metadata"

	"credential-resolver/backend/store"
	"credential-resolver/internal/wirelimit"
)

// The driver accepts up to 48 MB per message, or more if the server says so. contrib's Init
// creates its own client, which connects at once. So this file does what Init does, with a
// client whose connections are bounded.

// mongoSettings is the metadata, with contrib's names and defaults.
type mongoSettings struct {
	Host, Server, Username, Password, Params, ConnectionString string
	DatabaseName, CollectionName, Writeconcern, Readconcern    string
	OperationTimeout                                           time.Duration
}

const mongoTimeout = 5 * time.Second

func readMongoSettings(fields map[string]string) (*mongoSettings, error) {
	s := &mongoSettings{DatabaseName: "daprStore", CollectionName: "daprCollection", OperationTimeout: mongoTimeout}
	if err := kitmetadata.DecodeMetadata(fields, s); err != nil {
		return nil, err
	}
	switch {
	case s.ConnectionString != "":
	case s.Host == "" && s.Server == "":
		return nil, errors.New("must set 'host' or 'server' fields in metadata")
	case s.Host != "" && s.Server != "":
		return nil, errors.New("'host' or 'server' fields are mutually exclusive")
	}
	return s, nil
}

// address returns the connection string that the fields describe.
func (s *mongoSettings) address() string {
	params := s.Params
	if params != "" && params[0] != '?' {
		params = "?" + params
	}
	switch login := s.Username != "" && s.Password != ""; {
	case s.ConnectionString != "":
		return s.ConnectionString
	case s.Server != "" && login:
		return fmt.Sprintf("mongodb+srv://%s:%s@%s/%s%s", s.Username, s.Password, s.Server, s.DatabaseName, params)
	case s.Server != "":
		return fmt.Sprintf("mongodb+srv://%s/%s", s.Server, params)
	case login:
		return fmt.Sprintf("mongodb://%s:%s@%s/%s%s", s.Username, s.Password, s.Host, s.DatabaseName, params)
	default:
		return fmt.Sprintf("mongodb://%s/%s%s", s.Host, s.DatabaseName, params)
	}
}

// options returns the driver's options, with bounded connections and without compression: a
// small compressed message could expand to any number of bytes.
func (s *mongoSettings) options() *options.ClientOptions {
	o := options.Client().ApplyURI(s.address())
	o.Compressors = nil
	name := "credential-resolver"
	if o.AppName != nil {
		name += ":" + *o.AppName
	}
	dialer := &mongoDialer{config: o.TLSConfig, room: wirelimit.NewRoom(wirelimit.RoomSize)}
	dialer.ocsp = ocsp.VerifyOptions{
		Cache:                   ocsp.NewCache(),
		DisableEndpointChecking: o.DisableOCSPEndpointCheck != nil && *o.DisableOCSPEndpointCheck,
		HTTPClient:              &http.Client{Transport: &wirelimit.Transport{RoundTripper: http.DefaultTransport, Room: dialer.room}},
	}
	o.TLSConfig = nil
	return o.SetAppName(name).SetDialer(dialer)
}

// mongoDialer dials, and does TLS as the driver does.
type mongoDialer struct {
	config *tls.Config // nil: no TLS
	ocsp   ocsp.VerifyOptions
	room   *wirelimit.Room
}

// DialContext implements options.ContextDialer.
func (d *mongoDialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	if d.config != nil {
		if conn, err = d.secure(ctx, conn, address); err != nil {
			return nil, err
		}
	}
	return wirelimit.NewConn(conn, d.room, wirelimit.Mongo()), nil
}

func (d *mongoDialer) secure(ctx context.Context, conn net.Conn, address string) (net.Conn, error) {
	config := d.config.Clone()
	if config.ServerName == "" {
		config.ServerName, _, _ = net.SplitHostPort(address)
	}
	client := tls.Client(conn, config)
	err := client.HandshakeContext(ctx)
	if err == nil && !config.InsecureSkipVerify {
		err = ocsp.Verify(ctx, client.ConnectionState(), &d.ocsp)
	}
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	return client, nil
}

// mongoStore is contrib's store with our own client.
type mongoStore struct {
	state.Store
	state.KeysLiker
}

// Init implements state.Store.
func (s *mongoStore) Init(ctx context.Context, metadata state.Metadata) error {
	settings, err := readMongoSettings(metadata.Properties)
	if err != nil {
		return err
	}
	client, err := mongo.Connect(ctx, settings.options())
	if err != nil {
		return err
	}
	*store.Private[*mongo.Client](s.Store, "client") = client
	*store.Private[time.Duration](s.Store, "operationTimeout") = settings.OperationTimeout
	if err := client.Ping(ctx, nil); err != nil {
		return err
	}
	write := writeconcern.W1()
	if n, err := strconv.Atoi(settings.Writeconcern); err == nil {
		write = &writeconcern.WriteConcern{W: n}
	} else if settings.Writeconcern != "" {
		write = writeconcern.Majority()
	}
	journal := true
	write.Journal, write.WTimeout = &journal, mongoTimeout
	read := readconcern.Local()
	if settings.Readconcern != "" {
		read = &readconcern.ReadConcern{Level: settings.Readconcern}
	}
	collection := client.Database(settings.DatabaseName).
		Collection(settings.CollectionName, options.Collection().SetWriteConcern(write).SetReadConcern(read))
	*store.Private[*mongo.Collection](s.Store, "collection") = collection
	_, err = collection.Indexes().CreateOne(ctx, mongo.IndexModel{ // the server uses it to delete expired documents
		Keys: bson.M{"_ttl": 1}, Options: options.Index().SetExpireAfterSeconds(0),
	})
	return err
}

// Close implements state.Store.
func (s *mongoStore) Close() error { return s.Store.Close() }
