package dev.atoll.store;

import dev.atoll.domain.ActivityKind;
import dev.atoll.domain.Cidr;
import dev.atoll.domain.DomainPattern;
import dev.atoll.domain.Entrypoint;
import dev.atoll.domain.Isolation;
import dev.atoll.domain.LayerId;
import dev.atoll.domain.LifecycleRule;
import dev.atoll.domain.NetworkPolicy;
import dev.atoll.domain.Outcome;
import dev.atoll.domain.ProcessExit;
import dev.atoll.domain.ProcessSpec;
import dev.atoll.domain.SandboxState;
import dev.atoll.domain.Snapshot;
import dev.atoll.domain.Template;
import dev.atoll.domain.VolumeId;
import dev.atoll.domain.VolumeMount;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.type.TypeReference;
import tools.jackson.databind.ObjectReader;
import tools.jackson.databind.json.JsonMapper;

/** The columns that are JSON. Empty ones, which most are, do not reach the mapper. */
final class Json {
    private static final JsonMapper MAPPER = JsonMapper.builder().build();
    private static final ObjectReader MAP = MAPPER.readerFor(new TypeReference<Map<String, String>>() {});
    private static final ObjectReader LIST = MAPPER.readerFor(new TypeReference<List<String>>() {});
    private static final ObjectReader RULES = MAPPER.readerFor(new TypeReference<List<Rule>>() {});
    private static final ObjectReader VOLUMES = MAPPER.readerFor(new TypeReference<List<StoredVolume>>() {});
    private static final ObjectReader NETWORK = MAPPER.readerFor(StoredNetwork.class);
    private static final ObjectReader ENTRYPOINT = MAPPER.readerFor(StoredEntrypoint.class);
    private static final ObjectReader OUTCOME = MAPPER.readerFor(StoredOutcome.class);
    private static final ObjectReader MEMORY = MAPPER.readerFor(StoredMemory.class);
    private static final ObjectReader CONFIG = MAPPER.readerFor(Config.class);

    private Json() {}

    static String map(Map<String, String> map) {
        return map.isEmpty() ? "{}" : MAPPER.writeValueAsString(map);
    }

    static Map<String, String> map(String json) {
        return json.equals("{}") ? Map.of() : MAP.readValue(json);
    }

    static String counters(Counters c) {
        return c.equals(Counters.ZERO) ? "[]" : MAPPER.writeValueAsString(new long[] {
            c.cpuMicros(), c.memoryByteSeconds(), c.diskByteSeconds(), c.networkReceived(), c.networkSent(), c.oomKills()
        });
    }

    static Counters counters(String json) {
        if (json.equals("[]")) {
            return Counters.ZERO;
        }
        long[] c = MAPPER.readValue(json, long[].class);
        return new Counters(c[0], c[1], c[2], c[3], c[4], c[5]);
    }

    static String list(List<String> list) {
        return list.isEmpty() ? "[]" : MAPPER.writeValueAsString(list);
    }

    static List<String> list(String json) {
        return json.equals("[]") ? List.of() : LIST.readValue(json);
    }

    static String layers(List<LayerId> layers) {
        return list(layers.stream().map(LayerId::value).toList());
    }

    static List<LayerId> layers(String json) {
        return list(json).stream().map(LayerId::new).toList();
    }

    static String rules(List<LifecycleRule> rules) {
        return rules.isEmpty()
                ? "[]"
                : MAPPER.writeValueAsString(rules.stream().map(Rule::of).toList());
    }

    static List<LifecycleRule> rules(String json) {
        if (json.equals("[]")) {
            return List.of();
        }
        List<Rule> rules = RULES.readValue(json);
        return rules.stream().map(Rule::toDomain).toList();
    }

    static String volumes(List<VolumeMount> volumes) {
        return volumes.isEmpty()
                ? "[]"
                : MAPPER.writeValueAsString(volumes.stream()
                        .map(v -> new StoredVolume(v.volume().value(), v.path(), v.readOnly(), v.subpath()))
                        .toList());
    }

    static List<VolumeMount> volumes(String json) {
        if (json.equals("[]")) {
            return List.of();
        }
        List<StoredVolume> volumes = VOLUMES.readValue(json);
        return volumes.stream()
                .map(v -> new VolumeMount(new VolumeId(v.volume), v.path, v.readOnly, v.subpath))
                .toList();
    }

    /** OPEN, NONE, or the lists of the others. */
    static String network(NetworkPolicy policy) {
        return switch (policy) {
            case NetworkPolicy.Open _ -> "OPEN";
            case NetworkPolicy.None _ -> "NONE";
            case NetworkPolicy.Except except ->
                MAPPER.writeValueAsString(new StoredNetwork(true, List.of(), texts(except.deny()), null));
            case NetworkPolicy.Only only ->
                MAPPER.writeValueAsString(new StoredNetwork(
                        false, texts(only.allow()), texts(only.deny()), only.domains().map(Json::texts).orElse(null)));
        };
    }

    static NetworkPolicy network(String text) {
        return switch (text) {
            case "OPEN" -> NetworkPolicy.OPEN;
            case "NONE" -> NetworkPolicy.NONE;
            default -> NETWORK.<StoredNetwork>readValue(text).toDomain();
        };
    }

    private static List<String> texts(List<?> entries) {
        return entries.stream().map(Object::toString).toList();
    }

    /** @param rest whether addresses in no list may be reached */
    private record StoredNetwork(
            boolean rest, List<String> allow, List<String> deny, @Nullable List<String> domains) {
        NetworkPolicy toDomain() {
            return rest
                    ? new NetworkPolicy.Except(cidrs(deny))
                    : new NetworkPolicy.Only(
                            cidrs(allow),
                            cidrs(deny),
                            Optional.ofNullable(domains).map(names -> names.stream()
                                    .map(name -> DomainPattern.parse("domains", name))
                                    .toList()));
        }

        private static List<Cidr> cidrs(List<String> texts) {
            return texts.stream().map(text -> Cidr.parse("network", text)).toList();
        }
    }

    static String entrypoint(Entrypoint e) {
        return MAPPER.writeValueAsString(new StoredEntrypoint(
                e.argv(),
                e.tty().map(tty -> new StoredTty(tty.columns(), tty.rows(), tty.term())).orElse(null),
                e.endsSandbox()));
    }

    static Entrypoint entrypoint(String json) {
        StoredEntrypoint e = ENTRYPOINT.readValue(json);
        return new Entrypoint(
                e.argv,
                Optional.ofNullable(e.tty).map(tty -> new ProcessSpec.Tty(tty.columns, tty.rows, tty.term)),
                e.endsSandbox);
    }

    static String outcome(Outcome o) {
        return MAPPER.writeValueAsString(new StoredOutcome(
                o.kind().name(),
                o.exit().map(StoredExit::of).orElse(null),
                o.detail(),
                Columns.nanos(o.endedAt())));
    }

    static Outcome outcome(String json) {
        StoredOutcome o = OUTCOME.readValue(json);
        return new Outcome(
                Outcome.Kind.valueOf(o.kind),
                Optional.ofNullable(o.exit).map(StoredExit::toDomain),
                o.detail,
                Columns.instant(o.endedAt));
    }

    static String memory(Snapshot.Memory m) {
        return MAPPER.writeValueAsString(new StoredMemory(
                m.bytes(), m.isolation().name(), m.cpuMillis(), m.limitBytes(), m.env(), m.user(), m.workdir()));
    }

    static Snapshot.Memory memory(String json) {
        StoredMemory m = MEMORY.readValue(json);
        return new Snapshot.Memory(
                m.bytes, Isolation.valueOf(m.isolation), m.cpuMillis, m.limitBytes, m.env, m.user, m.workdir);
    }

    static String config(Template.Config config) {
        return MAPPER.writeValueAsString(new Config(
                config.env(),
                config.user(),
                config.workdir(),
                config.entrypoint(),
                config.command(),
                config.shell(),
                config.labels(),
                config.exposedPorts()));
    }

    static Template.Config config(String json) {
        Config config = CONFIG.readValue(json);
        return new Template.Config(
                config.env,
                config.user,
                config.workdir,
                config.entrypoint,
                config.command,
                Objects.requireNonNullElse(config.shell, List.of()),
                Objects.requireNonNullElse(config.labels, Map.of()),
                Objects.requireNonNullElse(config.exposedPorts, Set.of()));
    }

    /** The stored form of a rule, which stays when the domain's changes. Nanoseconds. */
    record Rule(String in, String since, long after, String action, Set<ActivityKind> counts) {
        static Rule of(LifecycleRule rule) {
            return new Rule(
                    rule.in().name(),
                    rule.since().name(),
                    rule.after().toNanos(),
                    rule.action().name(),
                    rule.counts());
        }

        LifecycleRule toDomain() {
            return new LifecycleRule(
                    SandboxState.valueOf(in),
                    LifecycleRule.Since.valueOf(since),
                    Duration.ofNanos(after),
                    LifecycleRule.Action.valueOf(action),
                    counts);
        }
    }

    /** The stored form of a template's configuration; those of schema 1 have no shell, labels and ports. */
    record Config(
            Map<String, String> env,
            String user,
            String workdir,
            List<String> entrypoint,
            List<String> command,
            @Nullable List<String> shell,
            @Nullable Map<String, String> labels,
            @Nullable Set<String> exposedPorts) {}

    record StoredMemory(
            long bytes,
            String isolation,
            int cpuMillis,
            long limitBytes,
            Map<String, String> env,
            String user,
            String workdir) {}

    record StoredVolume(String volume, String path, boolean readOnly, String subpath) {}

    record StoredEntrypoint(List<String> argv, @Nullable StoredTty tty, boolean endsSandbox) {}

    record StoredTty(int columns, int rows, String term) {}

    /** Nanoseconds since 1970. */
    record StoredOutcome(String kind, @Nullable StoredExit exit, String detail, long endedAt) {}

    record StoredExit(
            int code,
            int signal,
            boolean oomKilled,
            boolean timedOut,
            long stdoutBytes,
            long stderrBytes,
            long endedAt) {
        static StoredExit of(ProcessExit e) {
            return new StoredExit(
                    e.code(),
                    e.signal(),
                    e.oomKilled(),
                    e.timedOut(),
                    e.stdoutBytes(),
                    e.stderrBytes(),
                    Columns.nanos(e.endedAt()));
        }

        ProcessExit toDomain() {
            return new ProcessExit(
                    code, signal, oomKilled, timedOut, stdoutBytes, stderrBytes, Columns.instant(endedAt));
        }
    }
}
