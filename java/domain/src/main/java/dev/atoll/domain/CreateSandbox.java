package dev.atoll.domain;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * What a caller asks for. Built with {@link #from}; fields that are left empty take the template's
 * or the configuration's values.
 *
 * @param name 1 to 128 characters of {@code [A-Za-z0-9._-]}; empty = the id
 * @param isolation named: that class or an error; empty = {@code isolationOrder}'s first that the node has
 * @param isolationOrder what a face falls back along; at least one
 * @param secrets more environment, over the template's and below {@code env}; stored encrypted
 * @param entrypoint the process that it is for; empty = none
 * @param volumes mounted at every start, in this order
 * @param idempotencyKey a second create with the same key of the same project returns the first's sandbox
 */
public record CreateSandbox(
        Source source,
        Optional<String> name,
        Map<String, String> labels,
        Optional<Isolation> isolation,
        List<Isolation> isolationOrder,
        Optional<Integer> cpuMillis,
        Optional<Long> memoryBytes,
        Optional<Long> diskBytes,
        Map<String, String> env,
        Optional<String> user,
        Optional<String> workdir,
        NetworkPolicy network,
        List<LifecycleRule> rules,
        Map<String, String> attributes,
        List<EnvSource> secrets,
        Optional<Entrypoint.Request> entrypoint,
        List<VolumeMount.Request> volumes,
        Optional<String> idempotencyKey) {
    private static final Pattern NAME = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,127}");
    private static final Pattern ENV_NAME = Pattern.compile("[A-Za-z_][A-Za-z0-9_]{0,255}");

    public CreateSandbox {
        labels = Map.copyOf(labels);
        isolationOrder = List.copyOf(isolationOrder);
        env = Map.copyOf(env);
        rules = List.copyOf(rules);
        secrets = List.copyOf(secrets);
        attributes = Map.copyOf(attributes);
        volumes = List.copyOf(volumes);
        VolumeMount.checkAll(volumes);
        name.ifPresent(CreateSandbox::checkName);
        checkLabels(labels);
        checkEnv(env);
        InvalidFieldException.requireRange("rules.size", rules.size(), 0, 16);
        InvalidFieldException.requireRange("secrets.size", secrets.size(), 0, 64);
        idempotencyKey.ifPresent(k -> InvalidFieldException.requireLength("idempotencyKey", k, 1, 256));
    }

    /** @throws InvalidFieldException unless the name is one that a sandbox may have */
    public static void checkName(String name) {
        if (!NAME.matcher(name).matches()) {
            throw new InvalidFieldException(
                    "name", name, "1 to 128 characters of A-Z a-z 0-9 . _ -, the first a letter or digit");
        }
    }

    /** @throws InvalidFieldException unless labels have at most 64 entries of at most 256 characters */
    public static void checkLabels(Map<String, String> labels) {
        InvalidFieldException.requireRange("labels.size", labels.size(), 0, 64);
        labels.forEach((key, value) -> {
            InvalidFieldException.requireLength("labels.key", key, 1, 256);
            InvalidFieldException.requireLength("labels." + key, value, 0, 256);
        });
    }

    /** @throws InvalidFieldException unless names are identifiers and all together at most 256 KiB */
    public static void checkEnv(Map<String, String> env) {
        InvalidFieldException.requireRange("env.size", env.size(), 0, 1024);
        long total = 0;
        for (var entry : env.entrySet()) {
            if (!ENV_NAME.matcher(entry.getKey()).matches()) {
                throw new InvalidFieldException("env", entry.getKey(), "names of 1 to 256 characters of A-Z a-z 0-9 _, the first no digit");
            }
            if (entry.getValue().indexOf('\0') >= 0) {
                throw new InvalidFieldException("env." + entry.getKey(), "(a value with NUL)", "values without NUL");
            }
            total += entry.getKey().length() + entry.getValue().length() + 2;
        }
        InvalidFieldException.requireRange("env.bytes", total, 0, 256 << 10);
    }

    /** A builder that asks for nothing but this source, in the container class. */
    public static Builder from(Source source) {
        return new Builder(source);
    }

    /** Collects the fields; not safe for several threads. */
    public static final class Builder {
        private final Source source;
        private Optional<String> name = Optional.empty();
        private Map<String, String> labels = Map.of();
        private Optional<Isolation> isolation = Optional.empty();
        private List<Isolation> isolationOrder = List.of(Isolation.CONTAINER);
        private Optional<Integer> cpuMillis = Optional.empty();
        private Optional<Long> memoryBytes = Optional.empty();
        private Optional<Long> diskBytes = Optional.empty();
        private Map<String, String> env = Map.of();
        private Optional<String> user = Optional.empty();
        private Optional<String> workdir = Optional.empty();
        private NetworkPolicy network = NetworkPolicy.OPEN;
        private List<LifecycleRule> rules = List.of();
        private Map<String, String> attributes = Map.of();
        private List<EnvSource> secrets = List.of();
        private Optional<Entrypoint.Request> entrypoint = Optional.empty();
        private List<VolumeMount.Request> volumes = List.of();
        private Optional<String> idempotencyKey = Optional.empty();

        private Builder(Source source) {
            this.source = source;
        }

        public Builder name(Optional<String> value) {
            name = value;
            return this;
        }

        public Builder labels(Map<String, String> value) {
            labels = value;
            return this;
        }

        public Builder isolation(Optional<Isolation> value) {
            isolation = value;
            return this;
        }

        public Builder isolationOrder(List<Isolation> value) {
            isolationOrder = value;
            return this;
        }

        public Builder cpuMillis(Optional<Integer> value) {
            cpuMillis = value;
            return this;
        }

        public Builder memoryBytes(Optional<Long> value) {
            memoryBytes = value;
            return this;
        }

        public Builder diskBytes(Optional<Long> value) {
            diskBytes = value;
            return this;
        }

        public Builder env(Map<String, String> value) {
            env = value;
            return this;
        }

        public Builder user(Optional<String> value) {
            user = value;
            return this;
        }

        public Builder workdir(Optional<String> value) {
            workdir = value;
            return this;
        }

        public Builder network(NetworkPolicy value) {
            network = value;
            return this;
        }

        public Builder rules(List<LifecycleRule> value) {
            rules = value;
            return this;
        }

        public Builder attributes(Map<String, String> value) {
            attributes = value;
            return this;
        }

        public Builder secrets(List<EnvSource> value) {
            secrets = value;
            return this;
        }

        public Builder entrypoint(Optional<Entrypoint.Request> value) {
            entrypoint = value;
            return this;
        }

        public Builder volumes(List<VolumeMount.Request> value) {
            volumes = value;
            return this;
        }

        public Builder idempotencyKey(Optional<String> value) {
            idempotencyKey = value;
            return this;
        }

        /** @throws InvalidFieldException naming the first field that is out of its bounds */
        public CreateSandbox build() {
            return new CreateSandbox(
                    source, name, labels, isolation, isolationOrder, cpuMillis, memoryBytes, diskBytes, env, user,
                    workdir, network, rules, attributes, secrets, entrypoint, volumes, idempotencyKey);
        }
    }
}
