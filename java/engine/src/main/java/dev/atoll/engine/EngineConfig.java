package dev.atoll.engine;

import dev.atoll.domain.InvalidFieldException;
import dev.atoll.domain.ProjectId;
import dev.atoll.domain.Resources;
import dev.atoll.image.registry.RegistrySettings;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What the engine needs to know about its node. Everything but the version and the directories has a
 * default in {@link #defaults}.
 *
 * @param sockets where the slots' socket directories are made; the warden's configuration names the same
 * @param state the engine's own directory, which survives reboots: the node's key, the output of ended sandboxes
 * @param version of this program, for capabilities
 * @param warmSlots how many slots are kept prepared, 0 to 1,000; 0 = every create prepares its own
 * @param warmSentries how many sandboxes of gVisor run in advance for each template in use, 0 to 100
 * @param slotMakers how many slots are made at the same time at most, 1 to 64
 * @param createsAtOnce how many sandboxes are being made or started at the same time; more wait, 1 to 1,000
 * @param defaults what a sandbox gets that asks for nothing
 * @param aliases image reference patterns and the templates they lead to, the first match wins
 * @param registries where images come from; empty = no registry is asked
 * @param trustEnv environment of every sandbox, below the template's and the caller's: where the
 *     operator's CA bundle lies for programs that look for it in a variable
 * @param maximumIdle of every project that has no own: a sandbox idle this long is stopped whatever its rules say
 * @param maximumLifetime of every project that has no own: a sandbox this old is deleted whatever its rules say
 * @param projects maxima of single projects, which replace the two above
 * @param spoolBytes kept output of one process
 * @param keptProcesses how many ended processes of a generation stay readable
 * @param dialTimeout how long a new guest may take to dial in
 * @param flushEvery how stale the stored last activity may be
 * @param sampleEvery how often usage is read and stored
 * @param endedKept how long a deleted sandbox is remembered, with its outcome and its entrypoint's output
 * @param operatorKeyHash SHA-256 of the operator's key in lower-case hexadecimal; empty = there is none
 * @param quotas what projects may use
 */
public record EngineConfig(
        String version,
        Path sockets,
        Path state,
        int warmSlots,
        int warmSentries,
        int slotMakers,
        int createsAtOnce,
        Resources defaults,
        List<Alias> aliases,
        Optional<RegistrySettings> registries,
        Map<String, String> trustEnv,
        Optional<Duration> maximumIdle,
        Optional<Duration> maximumLifetime,
        Map<ProjectId, ProjectMaxima> projects,
        long spoolBytes,
        int keptProcesses,
        Duration dialTimeout,
        Duration flushEvery,
        Duration sampleEvery,
        Duration endedKept,
        Optional<String> operatorKeyHash,
        Quotas quotas) {
    /** When an alias applies. */
    public enum Prefer {
        /** Before any registry is asked. */
        ALIAS,
        /** Only when no registry can be reached. */
        REGISTRY
    }

    /**
     * An image reference pattern and what it stands for.
     *
     * @param pattern {@code *} matches any text without a slash
     * @param template name of a template
     */
    public record Alias(String pattern, String template, Prefer prefer) {
        public Alias {
            InvalidFieldException.requireLength("images.alias.pattern", pattern, 1, 512);
            InvalidFieldException.requireLength("images.alias.template", template, 1, 128);
        }
    }

    /** Empty = no maximum. */
    public record ProjectMaxima(Optional<Duration> idle, Optional<Duration> lifetime) {}

    public static EngineConfig defaults(String version, Path sockets, Path state) {
        return new EngineConfig(
                version,
                sockets,
                state,
                16,
                2,
                2,
                16,
                new Resources(2000, 4 * Resources.GIB, 10 * Resources.GIB, 0),
                List.of(),
                Optional.empty(),
                Map.of(),
                Optional.empty(),
                Optional.empty(),
                Map.of(),
                8 * Resources.MIB,
                1000,
                Duration.ofSeconds(10),
                Duration.ofSeconds(5),
                Duration.ofSeconds(5),
                Duration.ofDays(1),
                Optional.empty(),
                Quotas.NONE);
    }

    public EngineConfig {
        aliases = List.copyOf(aliases);
        trustEnv = Map.copyOf(trustEnv);
        projects = Map.copyOf(projects);
        InvalidFieldException.requireRange("engine.warmSlots", warmSlots, 0, 1000);
        InvalidFieldException.requireRange("engine.warmSentries", warmSentries, 0, 100);
        InvalidFieldException.requireRange("engine.slotMakers", slotMakers, 1, 64);
        InvalidFieldException.requireRange("engine.createsAtOnce", createsAtOnce, 1, 1000);
        InvalidFieldException.requireRange("engine.spoolBytes", spoolBytes, 64 << 10, Resources.GIB);
        InvalidFieldException.requireRange("engine.keptProcesses", keptProcesses, 1, 100_000);
    }

    public EngineConfig withWarmSlots(int value) {
        return new EngineConfig(
                version, sockets, state, value, warmSentries, slotMakers, createsAtOnce, defaults, aliases, registries, trustEnv, maximumIdle, maximumLifetime,
                projects, spoolBytes, keptProcesses, dialTimeout, flushEvery, sampleEvery, endedKept, operatorKeyHash, quotas);
    }

    public EngineConfig withDefaults(Resources value) {
        return new EngineConfig(
                version, sockets, state, warmSlots, warmSentries, slotMakers, createsAtOnce, value, aliases, registries, trustEnv, maximumIdle, maximumLifetime,
                projects, spoolBytes, keptProcesses, dialTimeout, flushEvery, sampleEvery, endedKept, operatorKeyHash, quotas);
    }

    public EngineConfig withAliases(List<Alias> value) {
        return new EngineConfig(
                version, sockets, state, warmSlots, warmSentries, slotMakers, createsAtOnce, defaults, value, registries, trustEnv, maximumIdle, maximumLifetime,
                projects, spoolBytes, keptProcesses, dialTimeout, flushEvery, sampleEvery, endedKept, operatorKeyHash, quotas);
    }

    public EngineConfig withRegistries(Optional<RegistrySettings> value) {
        return new EngineConfig(
                version, sockets, state, warmSlots, warmSentries, slotMakers, createsAtOnce, defaults, aliases, value, trustEnv, maximumIdle, maximumLifetime,
                projects, spoolBytes, keptProcesses, dialTimeout, flushEvery, sampleEvery, endedKept, operatorKeyHash, quotas);
    }

    public EngineConfig withTrustEnv(Map<String, String> value) {
        return new EngineConfig(
                version, sockets, state, warmSlots, warmSentries, slotMakers, createsAtOnce, defaults, aliases, registries, value, maximumIdle, maximumLifetime,
                projects, spoolBytes, keptProcesses, dialTimeout, flushEvery, sampleEvery, endedKept, operatorKeyHash, quotas);
    }

    public EngineConfig withMaxima(ProjectMaxima all, Map<ProjectId, ProjectMaxima> single) {
        return new EngineConfig(
                version, sockets, state, warmSlots, warmSentries, slotMakers, createsAtOnce, defaults, aliases, registries, trustEnv, all.idle(), all.lifetime(),
                single, spoolBytes, keptProcesses, dialTimeout, flushEvery, sampleEvery, endedKept, operatorKeyHash, quotas);
    }

    public EngineConfig withEndedKept(Duration value) {
        return new EngineConfig(
                version, sockets, state, warmSlots, warmSentries, slotMakers, createsAtOnce, defaults, aliases, registries, trustEnv, maximumIdle,
                maximumLifetime, projects, spoolBytes, keptProcesses, dialTimeout, flushEvery, sampleEvery, value,
                operatorKeyHash, quotas);
    }

    public EngineConfig withOperatorKeyHash(String sha256) {
        return new EngineConfig(
                version, sockets, state, warmSlots, warmSentries, slotMakers, createsAtOnce, defaults, aliases, registries, trustEnv, maximumIdle, maximumLifetime,
                projects, spoolBytes, keptProcesses, dialTimeout, flushEvery, sampleEvery, endedKept, Optional.of(sha256), quotas);
    }

    public EngineConfig withQuotas(Quotas value) {
        return new EngineConfig(
                version, sockets, state, warmSlots, warmSentries, slotMakers, createsAtOnce, defaults, aliases, registries, trustEnv, maximumIdle, maximumLifetime,
                projects, spoolBytes, keptProcesses, dialTimeout, flushEvery, sampleEvery, endedKept, operatorKeyHash, value);
    }

    ProjectMaxima maximaOf(ProjectId project) {
        ProjectMaxima own = projects.get(project);
        return own != null ? own : new ProjectMaxima(maximumIdle, maximumLifetime);
    }
}
