package harness

import (
	"context"
	"path/filepath"
	"strconv"

	"go.mongodb.org/mongo-driver/mongo"
	"go.mongodb.org/mongo-driver/mongo/options"
)

// MongoDB is mongo-java-server, an emulator of MongoDB, with its data on disk. It supports
// neither users nor updates with a pipeline, which contrib's store needs to write.
type MongoDB struct {
	*Server
}

// StartMongoDB starts the emulator from the folder that make has prepared.
func StartMongoDB(ctx context.Context, folder string) (*MongoDB, error) {
	java, err := program("java", "sudo apt-get install default-jdk-headless")
	if err != nil {
		return nil, err
	}
	m := &MongoDB{}
	m.Server, err = newServer(serverSpec{
		path: java,
		args: func(s *Server) []string {
			classes := folder + ":" + filepath.Join(folder, "lib", "*")
			return []string{"-cp", classes, "Serve", strconv.Itoa(s.port), filepath.Join(s.Dir, "data")}
		},
		ready: func(ctx context.Context, _ *Server) error {
			return m.use(ctx, func(client *mongo.Client) error { return client.Ping(ctx, nil) })
		},
	})
	if err != nil {
		return nil, err
	}
	return m, m.Start(ctx)
}

// URL returns the server's connection string.
func (m *MongoDB) URL() string { return "mongodb://" + m.Address }

// Insert adds a document, as a writer other than contrib's store does.
func (m *MongoDB) Insert(ctx context.Context, database, collection string, document any) error {
	return m.use(ctx, func(client *mongo.Client) error {
		_, err := client.Database(database).Collection(collection).InsertOne(ctx, document)
		return err
	})
}

// use calls fn with a new client.
func (m *MongoDB) use(ctx context.Context, fn func(*mongo.Client) error) error {
	client, err := mongo.Connect(ctx, options.Client().ApplyURI(m.URL()))
	if err != nil {
		return err
	}
	defer func() { _ = client.Disconnect(context.WithoutCancel(ctx)) }()
	return fn(client)
}
