import de.bwaldvogel.mongo.MongoServer;
import de.bwaldvogel.mongo.backend.h2.H2Backend;

/** Serves MongoDB's protocol on loopback: Serve PORT FILE. Its data outlive a SIGTERM, in the file. */
class Serve {
    public static void main(String[] args) {
        MongoServer server = new MongoServer(new H2Backend(args[1]));
        Runtime.getRuntime().addShutdownHook(new Thread(server::shutdownNow));
        server.bind("127.0.0.1", Integer.parseInt(args[0]));
    }
}
