package dev.atoll.engine;

import static dev.atoll.domain.SandboxState.ARCHIVED;
import static dev.atoll.domain.SandboxState.CREATING;
import static dev.atoll.domain.SandboxState.FAILED;
import static dev.atoll.domain.SandboxState.HIBERNATED;
import static dev.atoll.domain.SandboxState.PAUSED;
import static dev.atoll.domain.SandboxState.RUNNING;
import static dev.atoll.domain.SandboxState.STOPPED;

import dev.atoll.domain.Operation;
import dev.atoll.domain.Outcome;
import dev.atoll.domain.SandboxChange;
import dev.atoll.domain.SandboxState;
import dev.atoll.domain.SnapshotId;
import dev.atoll.warden.DiskSource;
import java.time.Duration;
import java.util.EnumSet;
import java.util.Optional;
import java.util.Set;

/** What the owner of a sandbox can be told to do; each says where it is legal and where it has nothing to do. */
sealed interface SandboxCommand {
    /** The states in which it does something. */
    Set<SandboxState> legalIn();

    /** The states in which its outcome is there already. */
    default Set<SandboxState> doneIn() {
        return Set.of();
    }

    /** What a reader sees under way while it is carried out; empty = it takes no time. */
    Optional<Operation> operation();

    /** Makes the sandbox that the journal names; the first command of a new owner. @param disk what its disk starts as */
    record Create(DiskSource disk) implements SandboxCommand {
        @Override
        public Set<SandboxState> legalIn() {
            return EnumSet.of(CREATING);
        }

        @Override
        public Optional<Operation> operation() {
            return Optional.of(Operation.CREATING);
        }
    }

    /** Boots a new generation on the disk that is there, or brought back; resumes a paused or hibernated one. */
    record Start() implements SandboxCommand {
        @Override
        public Set<SandboxState> legalIn() {
            return EnumSet.of(STOPPED, PAUSED, HIBERNATED, ARCHIVED, FAILED);
        }

        @Override
        public Set<SandboxState> doneIn() {
            return EnumSet.of(RUNNING);
        }

        @Override
        public Optional<Operation> operation() {
            return Optional.of(Operation.STARTING);
        }
    }

    /** @param grace between SIGTERM and SIGKILL, zero to 60 s */
    record Stop(Duration grace) implements SandboxCommand {
        @Override
        public Set<SandboxState> legalIn() {
            return EnumSet.of(RUNNING, PAUSED, HIBERNATED);
        }

        @Override
        public Set<SandboxState> doneIn() {
            return EnumSet.of(STOPPED);
        }

        @Override
        public Optional<Operation> operation() {
            return Optional.of(Operation.STOPPING);
        }
    }

    record Pause() implements SandboxCommand {
        @Override
        public Set<SandboxState> legalIn() {
            return EnumSet.of(RUNNING);
        }

        @Override
        public Set<SandboxState> doneIn() {
            return EnumSet.of(PAUSED);
        }

        @Override
        public Optional<Operation> operation() {
            return Optional.of(Operation.PAUSING);
        }
    }

    /** Memory to the disk; {@code quiesce}: no process runs while it is saved. */
    record Hibernate(boolean quiesce) implements SandboxCommand {
        @Override
        public Set<SandboxState> legalIn() {
            return EnumSet.of(RUNNING, PAUSED);
        }

        @Override
        public Set<SandboxState> doneIn() {
            return EnumSet.of(HIBERNATED);
        }

        @Override
        public Optional<Operation> operation() {
            return Optional.of(Operation.HIBERNATING);
        }
    }

    record Resume() implements SandboxCommand {
        @Override
        public Set<SandboxState> legalIn() {
            return EnumSet.of(PAUSED, HIBERNATED);
        }

        @Override
        public Set<SandboxState> doneIn() {
            return EnumSet.of(RUNNING);
        }

        @Override
        public Optional<Operation> operation() {
            return Optional.of(Operation.RESUMING);
        }
    }

    /** Disk to the blob store, then out of the pool. */
    record Archive() implements SandboxCommand {
        @Override
        public Set<SandboxState> legalIn() {
            return EnumSet.of(STOPPED);
        }

        @Override
        public Set<SandboxState> doneIn() {
            return EnumSet.of(ARCHIVED);
        }

        @Override
        public Optional<Operation> operation() {
            return Optional.of(Operation.ARCHIVING);
        }
    }

    /** Disk of the blob store into the pool. */
    record Restore() implements SandboxCommand {
        @Override
        public Set<SandboxState> legalIn() {
            return EnumSet.of(ARCHIVED);
        }

        @Override
        public Set<SandboxState> doneIn() {
            return EnumSet.of(STOPPED, RUNNING, PAUSED, HIBERNATED);
        }

        @Override
        public Optional<Operation> operation() {
            return Optional.of(Operation.RESTORING);
        }
    }

    record Delete() implements SandboxCommand {
        @Override
        public Set<SandboxState> legalIn() {
            return EnumSet.complementOf(EnumSet.of(SandboxState.DELETED));
        }

        @Override
        public Set<SandboxState> doneIn() {
            return EnumSet.of(SandboxState.DELETED);
        }

        @Override
        public Optional<Operation> operation() {
            return Optional.of(Operation.DELETING);
        }
    }

    record Update(SandboxChange change) implements SandboxCommand {
        @Override
        public Set<SandboxState> legalIn() {
            return EnumSet.complementOf(EnumSet.of(SandboxState.DELETED));
        }

        @Override
        public Optional<Operation> operation() {
            return Optional.empty();
        }
    }

    /** Puts the disk as it is now under a snapshot id in the pool. @param temporary only for a fork's children */
    record CaptureDisk(SnapshotId snapshot, boolean temporary) implements SandboxCommand {
        @Override
        public Set<SandboxState> legalIn() {
            return EnumSet.of(RUNNING, PAUSED, HIBERNATED, STOPPED);
        }

        @Override
        public Optional<Operation> operation() {
            return Optional.of(temporary ? Operation.FORKING : Operation.SNAPSHOTTING);
        }
    }

    /** Puts disk and memory as they are now under a snapshot id in the pool. */
    record CaptureMemory(SnapshotId snapshot, Operation purpose, boolean quiesce) implements SandboxCommand {
        @Override
        public Set<SandboxState> legalIn() {
            return EnumSet.of(RUNNING, PAUSED);
        }

        @Override
        public Optional<Operation> operation() {
            return Optional.of(purpose);
        }
    }

    /** Looks whether a rule is due, and if so carries it out. */
    record CheckRules() implements SandboxCommand {
        @Override
        public Set<SandboxState> legalIn() {
            return EnumSet.of(RUNNING, PAUSED, HIBERNATED, STOPPED, ARCHIVED);
        }

        @Override
        public Set<SandboxState> doneIn() {
            return EnumSet.complementOf(EnumSet.of(RUNNING, PAUSED, HIBERNATED, STOPPED, ARCHIVED));
        }

        @Override
        public Optional<Operation> operation() {
            return Optional.empty();
        }
    }

    /** The entrypoint ended, or never began, in the boot of this generation. */
    record End(long generation, Outcome outcome) implements SandboxCommand {
        @Override
        public Set<SandboxState> legalIn() {
            return EnumSet.of(RUNNING, PAUSED);
        }

        @Override
        public Set<SandboxState> doneIn() {
            return EnumSet.complementOf(EnumSet.of(RUNNING, PAUSED));
        }

        @Override
        public Optional<Operation> operation() {
            return Optional.empty();
        }
    }

    /**
     * Perhaps the sandbox's first process ended.
     *
     * @param reason told to whoever asks why it stopped
     * @param outOfMemory whether the kernel had killed for the sandbox's limit
     */
    record GuestEnded(String reason, boolean outOfMemory) implements SandboxCommand {
        @Override
        public Set<SandboxState> legalIn() {
            return EnumSet.of(RUNNING, PAUSED);
        }

        @Override
        public Set<SandboxState> doneIn() {
            return EnumSet.complementOf(EnumSet.of(RUNNING, PAUSED));
        }

        @Override
        public Optional<Operation> operation() {
            return Optional.empty();
        }
    }
}
