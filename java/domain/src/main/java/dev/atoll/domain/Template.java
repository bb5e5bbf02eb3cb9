package dev.atoll.domain;

import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Something to start sandboxes from.
 *
 * @param layers lowest first
 * @param builtIn came with the installation, belongs to every project
 * @param aliases image reference patterns of the configuration that lead here
 */
public record Template(
        TemplateId id,
        String name,
        Optional<ProjectId> project,
        List<LayerId> layers,
        Config config,
        long sizeBytes,
        boolean builtIn,
        List<String> aliases,
        Instant createdAt) {
    public Template {
        layers = List.copyOf(layers);
        aliases = List.copyOf(aliases);
    }

    /**
     * What an image says about the processes in it; OCI image configuration.
     *
     * @param shell what a build's RUN in shell form, and CMD and ENTRYPOINT in theirs, are run by;
     *     empty = {@code /bin/sh -c}
     * @param exposedPorts {@code port/protocol}; for people, nothing is opened or closed by it
     */
    public record Config(
            Map<String, String> env,
            String user,
            String workdir,
            List<String> entrypoint,
            List<String> command,
            List<String> shell,
            Map<String, String> labels,
            Set<String> exposedPorts) {
        public static final Config EMPTY = of(Map.of(), "", "", List.of(), List.of());

        /** One without shell, labels and ports. */
        public static Config of(
                Map<String, String> env, String user, String workdir, List<String> entrypoint, List<String> command) {
            return new Config(env, user, workdir, entrypoint, command, List.of(), Map.of(), Set.of());
        }

        public Config {
            env = Map.copyOf(env);
            entrypoint = List.copyOf(entrypoint);
            command = List.copyOf(command);
            shell = List.copyOf(shell);
            labels = Map.copyOf(labels);
            exposedPorts = Set.copyOf(exposedPorts);
        }
    }
}
