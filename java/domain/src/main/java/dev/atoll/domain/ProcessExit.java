package dev.atoll.domain;

import java.time.Instant;

/**
 * How a process ended.
 *
 * @param code 0 to 255; 128 + signal when a signal ended it
 * @param signal 0 when it exited by itself
 */
public record ProcessExit(
        int code, int signal, boolean oomKilled, boolean timedOut, long stdoutBytes, long stderrBytes, Instant endedAt) {}
