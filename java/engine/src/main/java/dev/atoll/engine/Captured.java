package dev.atoll.engine;

import dev.atoll.warden.MemorySaved;
import dev.atoll.warden.SnapshotMade;
import java.time.Duration;
import java.util.OptionalLong;

/**
 * What is in the pool of one instant of a sandbox.
 *
 * @param diskBytes size of the disk; {@code usedBytes} of it are allocated
 * @param memoryBytes empty = the disk alone
 * @param blocked how long a writer, or with memory everything, stood still
 */
record Captured(long diskBytes, long usedBytes, OptionalLong memoryBytes, Duration blocked) {
    static Captured of(SnapshotMade made) {
        return new Captured(made.size(), made.used(), OptionalLong.empty(), made.blocked());
    }

    static Captured of(MemorySaved saved) {
        return new Captured(saved.diskSize(), saved.diskUsed(), OptionalLong.of(saved.bytes()), saved.stopped());
    }
}
