package dev.atoll.domain;

import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;

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

    /** What an image says about the processes in it; OCI image configuration. */
    public record Config(
            Map<String, String> env, String user, String workdir, List<String> entrypoint, List<String> command) {
        public static final Config EMPTY = new Config(Map.of(), "", "", List.of(), List.of());

        public Config {
            env = Map.copyOf(env);
            entrypoint = List.copyOf(entrypoint);
            command = List.copyOf(command);
        }
    }
}
