package harness

import (
	"context"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"strconv"

	"go.mongodb.org/mongo-driver/bson"
	"go.mongodb.org/mongo-driver/mongo"
	"go.mongodb.org/mongo-driver/mongo/options"
)

// MongoDB is SecantusDB, which has MongoDB's protocol, users and roles. It checks roles per
// database, not per collection. Its administrator is the user admin.
type MongoDB struct {
	*Server

	// Password is the administrator's password.
	Password string
	// TLS has it serve TLS only.
	TLS bool

	restricted bool // whether it asks who connects
}

// StartMongoDB starts the server with the given program and settings.
func StartMongoDB(ctx context.Context, path string, settings MongoDB) (*MongoDB, error) {
	m := &settings
	var err error
	m.Server, err = newServer(serverSpec{path: path, args: m.args, ready: func(ctx context.Context, _ *Server) error {
		return m.Command(ctx, "admin", bson.D{{Key: "ping", Value: 1}})
	}})
	if err != nil {
		return nil, err
	}
	if err := m.makeCertificate(); err != nil {
		return m, err
	}
	if err := m.Start(ctx); err != nil {
		return m, err
	}
	// The first user can only be created before the server asks for users.
	if err := m.Command(ctx, "admin", bson.D{
		{Key: "createUser", Value: "admin"}, {Key: "pwd", Value: m.Password}, {Key: "roles", Value: bson.A{"root"}},
	}); err != nil {
		return m, err
	}
	if err := m.Stop(); err != nil {
		return m, err
	}
	m.restricted = true
	return m, m.Restart(ctx)
}

// The files of the certificate, in the server's folder.
const (
	mongoCA   = "ca.pem"
	mongoCert = "cert.pem"
	mongoKey  = "key.pem"
)

func (m *MongoDB) makeCertificate() error {
	ca, err := NewAuthority()
	if err != nil {
		return err
	}
	cert, key, err := ca.Issue("mongodb", "127.0.0.1")
	if err != nil {
		return err
	}
	for name, text := range map[string]string{mongoCA: ca.Certificate, mongoCert: cert, mongoKey: key} {
		if err := os.WriteFile(filepath.Join(m.Dir, name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	return nil
}

func (m *MongoDB) args(s *Server) []string {
	args := []string{
		"--host", "127.0.0.1", "--port", strconv.Itoa(s.port), "--storage-path", filepath.Join(s.Dir, "data"),
		"--standalone", "--cache-size", "64M", "--enable-test-commands",
	}
	if m.TLS {
		args = append(args, "--tls-cert-file", filepath.Join(s.Dir, mongoCert), "--tls-key-file", filepath.Join(s.Dir, mongoKey))
	}
	if m.restricted {
		args = append(args, "--auth")
	}
	return args
}

// URL returns the connection string of a user, with the given options and those that TLS needs.
// "" means no user.
func (m *MongoDB) URL(user, password string, params url.Values) string {
	params = maps.Clone(params)
	if m.TLS {
		params.Set("tls", "true")
		params.Set("tlsCAFile", filepath.Join(m.Dir, mongoCA))
	}
	u := url.URL{Scheme: "mongodb", Host: m.Address, Path: "/", RawQuery: params.Encode()}
	if user != "" {
		u.User = url.UserPassword(user, password)
	}
	return u.String()
}

// Command runs a command on a database as the administrator.
func (m *MongoDB) Command(ctx context.Context, database string, command bson.D) error {
	return m.use(ctx, func(client *mongo.Client) error {
		return client.Database(database).RunCommand(ctx, command).Err()
	})
}

// Insert adds documents, as a writer other than contrib's store does.
func (m *MongoDB) Insert(ctx context.Context, database, collection string, documents ...any) error {
	return m.use(ctx, func(client *mongo.Client) error {
		_, err := client.Database(database).Collection(collection).InsertMany(ctx, documents)
		return err
	})
}

// use calls fn with a new client of the administrator.
func (m *MongoDB) use(ctx context.Context, fn func(*mongo.Client) error) error {
	user := ""
	if m.restricted {
		user = "admin"
	}
	address := m.URL(user, m.Password, url.Values{"authSource": {"admin"}})
	client, err := mongo.Connect(ctx, options.Client().ApplyURI(address))
	if err != nil {
		return err
	}
	defer func() { _ = client.Disconnect(context.WithoutCancel(ctx)) }()
	return fn(client)
}
