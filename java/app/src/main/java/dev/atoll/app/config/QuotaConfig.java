package dev.atoll.app.config;

import java.util.Map;
import java.util.Optional;

/** What projects may use. */
public record QuotaConfig(
        @Key("Sandboxes that are not deleted; null = no bound.") Optional<Integer> sandboxes,
        @Key("Cores of those that run or are paused, together; null = no bound.") Optional<Double> cpu,
        @Key("Memory of the same; null = no bound.") Optional<DataSize> memory,
        @Key("Disks of all that are not archived, and volumes: what they may grow to; null = no bound.") Optional<DataSize> disk,
        @Key("Requests to the API in a second; null = no bound.") Optional<Integer> requestsPerSecond,
        @Key("Quotas of single projects, which replace all of the above: <project>: {sandboxes: 10, memory: 16GiB}.")
        Map<String, Quota> projects) {
    static final QuotaConfig DEFAULTS = new QuotaConfig(
            Optional.empty(), Optional.empty(), Optional.empty(), Optional.empty(), Optional.empty(), Map.of());

    /** Of one project; keys as above. */
    public record Quota(
            Optional<Integer> sandboxes,
            Optional<Double> cpu,
            Optional<DataSize> memory,
            Optional<DataSize> disk,
            Optional<Integer> requestsPerSecond) {
        public Quota {
            sandboxes.ifPresent(n -> Bounds.range("quotas.sandboxes", n, 0, Integer.MAX_VALUE));
            cpu.ifPresent(cores -> {
                if (!(cores >= 0 && cores <= 1_000_000)) {
                    throw new IllegalArgumentException("quotas.cpu is " + cores + "; allowed: 0 to 1000000 cores");
                }
            });
            requestsPerSecond.ifPresent(n -> Bounds.range("quotas.requests_per_second", n, 1, 1_000_000));
        }
    }

    public QuotaConfig {
        projects = Map.copyOf(projects);
        var unused = new Quota(sandboxes, cpu, memory, disk, requestsPerSecond);
    }

    /** Of every project that has no own. */
    public Quota all() {
        return new Quota(sandboxes, cpu, memory, disk, requestsPerSecond);
    }
}
