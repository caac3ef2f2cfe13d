import java.sql.CallableStatement;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.ResultSetMetaData;
import java.sql.SQLException;
import java.sql.Types;
import java.time.OffsetDateTime;

/**
 * What consumers and producers in Java say: bound parameters with types of their own, the call escape, results by the names of
 * their columns. Prints every answer. Whatever PgQ it talks to, it prints the same.
 */
public class Client {
    private static Connection db;

    public static void main(String[] words) throws Exception {
        db = DriverManager.getConnection(words[0]);
        Object queue = "q", consumer = "java";
        say("register", "select pgq.register_consumer(?, ?)", queue, consumer);
        say("register again", "select register_consumer from pgq.register_consumer(?, ?)", queue, consumer);
        // So often that the driver prepares it in the server.
        try (PreparedStatement insert = db.prepareStatement("select pgq.insert_event(?, ?, ?)")) {
            for (int number = 1; number <= 12; number++) {
                insert.setString(1, "q");
                insert.setString(2, "java");
                insert.setString(3, "{\"number\": " + number + "}");
                try (ResultSet id = insert.executeQuery()) {
                    id.next();
                    System.out.println("inserted " + id.getLong(1));
                }
            }
        }
        say("extra", "select * from pgq.insert_event(?, ?, ?, ?, ?, ?, ?)", queue, "extra", "naïve 'x'", "1", null, "3", "");
        say("tick", "select pgq.ticker(?) is not null", queue);

        long batch = number("select next_batch from pgq.next_batch(?, ?)", queue, consumer);
        say("same batch", "select pgq.next_batch(?, ?) = ?", queue, consumer, batch);
        say("info", "select queue_name, consumer_name, tick_id > prev_tick_id as later from pgq.get_batch_info(?)", batch);
        say("events", "select * from pgq.get_batch_events(?)", batch);
        long first = number("select min(ev_id) from pgq.get_batch_events(?)", batch);
        say("retry", "select * from pgq.event_retry(?, ?, ?)", batch, first, 0);
        say("retry again", "select pgq.event_retry(?, ?, ?)", batch, first, 60);
        say("retry at a time", "select pgq.event_retry(?, ?, ?)", batch, first + 1, OffsetDateTime.now().plusHours(1));
        say("unknown event", "select pgq.event_retry(?, ?, ?)", batch, 77_000L, 1);
        try (CallableStatement finish = db.prepareCall("{? = call pgq.finish_batch(?)}")) {
            finish.registerOutParameter(1, Types.INTEGER);
            finish.setLong(2, batch);
            finish.execute();
            System.out.println("finish " + finish.getInt(1));
        }
        say("finish again", "select pgq.finish_batch(?)", batch);

        say("retries", "select pgq.maint_retry_events()");
        say("tick", "select pgq.ticker(?) is not null", queue);
        db.setAutoCommit(false);
        batch = number("select pgq.next_batch(?, ?)", queue, consumer);
        say("cursor", "select ev_id, ev_retry from pgq.get_batch_cursor(?, ?, ?)", batch, "batch_walker", 10);
        say("fetch", "fetch 10 from batch_walker");
        say("close", "select pgq.finish_batch(?)", batch);
        db.rollback();
        db.setAutoCommit(true);
        say("open again", "select pgq.next_batch(?, ?) = ?", queue, consumer, batch);
        say("finish", "select pgq.finish_batch(?)", batch);
        say("nothing", "select pgq.next_batch(?, ?)", queue, consumer);
        say("queue", "select queue_name, ev_new, ticker_lag < interval '1 hour' as fresh from pgq.get_queue_info(?)", queue);
        say("consumer", "select queue_name, consumer_name, pending_events from pgq.get_consumer_info(?, ?)", queue, consumer);
        say("unregister", "select unregister_consumer from pgq.unregister_consumer(?, ?)", queue, consumer);
        say("nobody", "select pgq.next_batch(?, ?)", queue, consumer);
        db.close();
    }

    private static PreparedStatement bound(String sql, Object... values) throws SQLException {
        PreparedStatement statement = db.prepareStatement(sql);
        for (int place = 0; place < values.length; place++) {
            if (values[place] == null) {
                statement.setNull(place + 1, Types.VARCHAR);
            } else {
                statement.setObject(place + 1, values[place]);
            }
        }
        return statement;
    }

    private static long number(String sql, Object... values) throws SQLException {
        try (PreparedStatement statement = bound(sql, values); ResultSet rows = statement.executeQuery()) {
            rows.next();
            return rows.getLong(1);
        }
    }

    /** Prints all rows, without what differs from run to run. */
    private static void say(String what, String sql, Object... values) throws SQLException {
        StringBuilder line = new StringBuilder(what);
        try (PreparedStatement statement = bound(sql, values); ResultSet rows = statement.executeQuery()) {
            ResultSetMetaData columns = rows.getMetaData();
            while (rows.next()) {
                line.append(" |");
                for (int place = 1; place <= columns.getColumnCount(); place++) {
                    String name = columns.getColumnLabel(place);
                    if (!name.equals("ev_time") && !name.equals("ev_txid")) {
                        line.append(' ').append(name).append(':').append(columns.getColumnTypeName(place));
                        line.append('=').append(rows.getString(name));
                    }
                }
            }
        } catch (SQLException error) {
            line.append(" ! ").append(error.getSQLState()).append(' ').append(error.getMessage().lines().findFirst().get());
        }
        System.out.println(line);
    }
}
