import de.bwaldvogel.mongo.MongoServer;
import de.bwaldvogel.mongo.MongoVersion;
import de.bwaldvogel.mongo.backend.h2.H2Backend;
import java.util.List;
import org.h2.mvstore.MVStore;

/** Speaks MongoDB's wire protocol over an H2 file. Arguments: port, file. */
public class WireServer {
    /** Its own wire version, 8, is refused by today's drivers. */
    enum Version implements MongoVersion {
        FIVE;

        @Override
        public List<Integer> getVersionArray() {
            return List.of(5, 0, 0);
        }

        @Override
        public int getWireVersion() {
            return 13;
        }
    }

    public static void main(String[] args) throws Exception {
        MVStore file = new MVStore.Builder().fileName(args[1]).autoCommitBufferSize(64).open();
        file.setAutoCommitDelay(5);
        MongoServer server = new MongoServer(new H2Backend(file).version(Version.FIVE));
        server.bind("127.0.0.1", Integer.parseInt(args[0]));
        Thread.currentThread().join();
    }
}
