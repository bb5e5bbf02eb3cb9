package dev.atoll.warden;

import dev.atoll.domain.SandboxId;
import java.util.List;

/** Something that happened without a request. */
public sealed interface WardenEvent {
    /**
     * PID 1 of a sandbox ended, however it ended; also after {@link Warden#kill}.
     *
     * @param status as waitpid(2) gives it
     * @param oom the kernel killed something in the sandbox for lack of memory
     */
    record Exited(SandboxId sandbox, int status, boolean oom) implements WardenEvent {}

    /**
     * The pool crossed a mark.
     *
     * @param frozen all sandboxes that are frozen because of it; some may be for a while after {@link Level#FREEZING}
     */
    record PoolMark(Level level, long freeBytes, List<SandboxId> frozen) implements WardenEvent {
        public PoolMark {
            frozen = List.copyOf(frozen);
        }

        /** What the pool's fill means. */
        public enum Level {
            OK,
            /** Creates, forks, snapshots are refused. */
            REFUSING,
            /** The fastest writers are frozen, so that no acknowledged write is lost. */
            FREEZING
        }
    }

    /** The kernel killed a process of the sandbox for lack of memory; the sandbox lives. */
    record Oom(SandboxId sandbox) implements WardenEvent {}

    /** An unclaimed slot is gone. */
    record SlotLost(SlotId slot) implements WardenEvent {}
}
