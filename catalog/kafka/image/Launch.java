import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.io.Reader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Properties;
import sun.misc.Signal;

/**
 * Formats the storage before the first start, then runs the broker, all in one process.
 *
 * <p>The first user's password is handed to the storage tool within the process, so that it is in
 * no argument and no environment. The argument is the folder of two files: server.properties, and
 * first-start.properties with cluster.id, user and password.
 */
public final class Launch {
    public static void main(String[] arguments) throws Exception {
        Path folder = Path.of(arguments[0]);
        Path settings = folder.resolve("server.properties");
        Path data = Path.of(read(settings).getProperty("log.dirs"));
        if (!Files.exists(data.resolve("meta.properties"))) {
            format(settings, read(folder.resolve("first-start.properties")));
        }
        // Being told to end is no failure: without this, a JVM answers 143.
        Signal.handle(new Signal("TERM"), signal -> System.exit(0));
        kafka.Kafka.main(new String[] {settings.toString()});
    }

    private static void format(Path settings, Properties first) {
        String user = "SCRAM-SHA-512=[name=" + first.getProperty("user")
            + ",password=" + first.getProperty("password") + "]";
        String[] arguments = {
            "format", "--standalone", "--ignore-formatted", "--config", settings.toString(),
            "--cluster-id=" + first.getProperty("cluster.id"), "--add-scram=" + user,
        };
        // It would print the user's keys into the container's log.
        PrintStream nowhere = new PrintStream(OutputStream.nullOutputStream());
        int status = kafka.tools.StorageTool.execute(arguments, nowhere);
        if (status != 0) {
            System.err.println("the storage could not be formatted: status " + status);
            Runtime.getRuntime().halt(status);
        }
    }

    private static Properties read(Path file) throws IOException {
        Properties properties = new Properties();
        try (Reader reader = Files.newBufferedReader(file)) {
            properties.load(reader);
        }
        return properties;
    }
}
