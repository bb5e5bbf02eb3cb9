package dev.atoll.warden;

import java.time.Duration;

/**
 * A durable snapshot.
 *
 * @param size bytes that a sandbox made from it sees
 * @param used bytes that are allocated
 * @param extents of the file; cloning costs about 12 microseconds each
 * @param blocked how long writers in the sandbox were held
 * @param synced how long writing back dirty pages took before that, without holding anyone
 */
public record SnapshotMade(long size, long used, long extents, Duration blocked, Duration synced) {}
