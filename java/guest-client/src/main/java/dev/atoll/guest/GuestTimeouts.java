package dev.atoll.guest;

import java.time.Duration;

/**
 * How long a guest may take. A guest that takes longer loses the connection; deadlines are kept to
 * about a quarter of a second.
 *
 * @param connection for an idle connection to be there, hello included
 * @param reply for the answer to what takes a guest milliseconds
 * @param work for the answer to what depends on amounts of data (a recursive copy, a search)
 * @param progress between two pieces of a transfer
 */
public record GuestTimeouts(Duration connection, Duration reply, Duration work, Duration progress) {
    public static final GuestTimeouts DEFAULT = new GuestTimeouts(
            Duration.ofSeconds(10), Duration.ofSeconds(30), Duration.ofMinutes(30), Duration.ofMinutes(2));
}
