package dev.atoll.warden;

import java.time.Duration;

/**
 * How long the client waits.
 *
 * @param call for the answer to what takes the warden milliseconds
 * @param work for the answer to what depends on amounts of data
 * @param connect for a warden that is being restarted to listen again
 * @param busy over all tries of a call that is answered BUSY
 */
record Timing(Duration call, Duration work, Duration connect, Duration busy) {
    static final Timing DEFAULT = new Timing(
            Duration.ofSeconds(30), Duration.ofMinutes(10), Duration.ofSeconds(5), Duration.ofSeconds(10));
}
