import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The PostgreSQL JDBC driver with a binding's jdbcUrl; credentials are read from standard input. */
public class Jdbc {
    private static final Pattern JDBC_URL = Pattern.compile("\"jdbcUrl\"\\s*:\\s*\"([^\"\\\\]+)\"");

    public static void main(String[] arguments) throws Exception {
        String credentials = new String(System.in.readAllBytes(), StandardCharsets.UTF_8);
        Matcher url = JDBC_URL.matcher(credentials);
        if (!url.find()) {
            throw new IllegalStateException("the credentials have no jdbcUrl");
        }
        DriverManager.setLoginTimeout(10);
        write(url.group(1));
        read(url.group(1));
    }

    private static void write(String url) throws SQLException {
        try (Connection connection = DriverManager.getConnection(url)) {
            connection.setAutoCommit(false);
            connection.createStatement().execute("CREATE TABLE jdbc_notes (note text)");
            try (var insert = connection.prepareStatement("INSERT INTO jdbc_notes VALUES (?)")) {
                insert.setString(1, "hello");
                insert.executeUpdate();
            }
            connection.commit();
        }
    }

    private static void read(String url) throws SQLException {
        try (Connection connection = DriverManager.getConnection(url);
                ResultSet notes =
                        connection.createStatement().executeQuery("SELECT note FROM jdbc_notes")) {
            if (!notes.next() || !notes.getString(1).equals("hello")) {
                throw new IllegalStateException("the note is not there");
            }
        }
    }
}
