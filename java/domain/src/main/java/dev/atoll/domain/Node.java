package dev.atoll.domain;

import java.time.LocalDate;
import java.util.List;
import java.util.Optional;

/** The machine that runs sandboxes, as operators see it. */
public interface Node {
    /**
     * What one isolation class can do here.
     *
     * @param available whether sandboxes of this class can be made
     * @param reason why not, when not
     */
    record IsolationCapability(
            Isolation isolation,
            boolean available,
            Optional<String> reason,
            boolean diskSnapshot,
            boolean pause,
            boolean memorySnapshot,
            boolean fork) {}

    record Capabilities(String version, List<IsolationCapability> isolations, String poolKind, String cgroupMode) {}

    record Pool(
            String kind, long totalBytes, long freeBytes, long backingFreeBytes, long admissionMarkBytes,
            long freezeMarkBytes, boolean refusing, long layersBytes, long snapshotsBytes, long disksBytes) {}

    record Check(String name, boolean ok, String detail, boolean required) {}

    record Leak(String kind, String name, boolean repaired) {}

    /** @param warden whether it answers; @param detail the first thing that is wrong, when one is */
    record Health(boolean healthy, boolean warden, int running, int warmSlots, Optional<String> detail) {}

    Capabilities capabilities();

    Health health();

    Pool pool();

    List<Check> doctor();

    /** Kernel and pool objects that belong to nothing. @param repair remove them */
    List<Leak> audit(boolean repair);

    /** Of the caller's sandboxes that live; of all projects for an operator. */
    List<Usage> usage(Caller caller, Optional<SandboxId> sandbox);

    /**
     * What the caller's project used, by day, oldest first; of all projects for an operator. Days without
     * use are left out.
     *
     * @param from to {@code to}, both included, at most 366 days
     */
    List<DayUsage> usageByDay(Caller caller, LocalDate from, LocalDate to);

    /** Deletes expired snapshots, kept steps of builds, leftovers, unused layers and what no archive needs; returns bytes freed. Operators only. */
    long prune(Caller caller);
}
