package dev.atoll.store;

import dev.atoll.domain.ProjectId;
import dev.atoll.domain.SandboxId;
import java.time.LocalDate;
import java.util.List;

/** What was used, per sandbox over its life and per project and day (UTC). */
public interface UsageStore {
    /** A part to add to the counters of a sandbox and of its project's day. */
    record Increment(SandboxId sandbox, ProjectId project, LocalDate day, Counters counters) {}

    /** What some project used on a day. */
    record ProjectDay(ProjectId project, Day used) {}

    /** What a project used on a day. */
    record Day(LocalDate day, Counters counters) {}

    /** All or none of them. */
    void add(List<Increment> increments);

    /** Zero for one that never used anything. */
    Counters ofSandbox(SandboxId sandbox);

    /** Days with usage, oldest first; both ends included. */
    List<Day> ofProject(ProjectId project, LocalDate from, LocalDate to);

    /** Of every project that used something: oldest day first, then by project; both ends included. */
    List<ProjectDay> ofAll(LocalDate from, LocalDate to);

    /** Drops a sandbox's own counters; those of its project stay. Idempotent. */
    void forget(SandboxId sandbox);
}
