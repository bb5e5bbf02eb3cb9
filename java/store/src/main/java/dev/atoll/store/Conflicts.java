package dev.atoll.store;

import dev.atoll.domain.ConflictException;
import java.sql.SQLException;
import org.sqlite.SQLiteException;

/** Tells a broken uniqueness rule from other errors. */
final class Conflicts {
    private Conflicts() {}

    /** Carries out a change in which a broken uniqueness rule means what {@code message} says. */
    static int check(Statement statement, String message) throws SQLException {
        try {
            return statement.run();
        } catch (SQLiteException e) {
            switch (e.getResultCode()) {
                case SQLITE_CONSTRAINT_UNIQUE, SQLITE_CONSTRAINT_PRIMARYKEY -> throw new ConflictException(message);
                default -> throw e;
            }
        }
    }

    /** A statement that may break a rule. */
    interface Statement {
        int run() throws SQLException;
    }
}
