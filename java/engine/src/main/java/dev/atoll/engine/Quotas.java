package dev.atoll.engine;

import dev.atoll.domain.InvalidFieldException;
import dev.atoll.domain.ProjectId;
import java.util.Map;
import java.util.Optional;

/**
 * What projects may use at most.
 *
 * @param all of every project that has no own
 * @param projects of single projects, which replace {@code all}
 */
public record Quotas(Quota all, Map<ProjectId, Quota> projects) {
    public static final Quotas NONE = new Quotas(Quota.NONE, Map.of());

    /**
     * Of one project; an empty part is unlimited.
     *
     * @param sandboxes that are not deleted, 0 and more
     * @param cpuMillis of those that are RUNNING or PAUSED, together
     * @param memoryBytes of the same
     * @param diskBytes of the disks of all that are not ARCHIVED, and of volumes: what they may grow to
     * @param requestsPerSecond to the API, with as many at once after a second of silence, 1 and more
     */
    public record Quota(
            Optional<Integer> sandboxes,
            Optional<Long> cpuMillis,
            Optional<Long> memoryBytes,
            Optional<Long> diskBytes,
            Optional<Integer> requestsPerSecond) {
        public static final Quota NONE = new Quota(
                Optional.empty(), Optional.empty(), Optional.empty(), Optional.empty(), Optional.empty());

        public Quota {
            sandboxes.ifPresent(n -> InvalidFieldException.requireRange("quota.sandboxes", n, 0, Integer.MAX_VALUE));
            cpuMillis.ifPresent(n -> InvalidFieldException.requireRange("quota.cpuMillis", n, 0, Long.MAX_VALUE));
            memoryBytes.ifPresent(n -> InvalidFieldException.requireRange("quota.memoryBytes", n, 0, Long.MAX_VALUE));
            diskBytes.ifPresent(n -> InvalidFieldException.requireRange("quota.diskBytes", n, 0, Long.MAX_VALUE));
            requestsPerSecond.ifPresent(
                    n -> InvalidFieldException.requireRange("quota.requestsPerSecond", n, 1, 1_000_000));
        }

        /** Whether there is anything to count. */
        boolean countsResources() {
            return sandboxes.isPresent() || cpuMillis.isPresent() || memoryBytes.isPresent() || diskBytes.isPresent();
        }
    }

    public Quotas {
        projects = Map.copyOf(projects);
    }

    Quota of(ProjectId project) {
        Quota own = projects.get(project);
        return own != null ? own : all;
    }
}
