package dev.atoll.image.registry;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * How registries are spoken to.
 *
 * @param registries what is known about single ones, by host and port
 * @param dockerConfig a file in the form of docker's {@code config.json}, for credentials that are not in
 *     {@code registries}; read anew for every image
 * @param open whether registries may be used that are not in {@code registries}
 * @param connectTimeout until a connection stands
 * @param stallTimeout longest time without a byte
 * @param atOnce downloads at the same time, of all images together, 1 to 64
 * @param maxBytes of one image: of its compressed layers together, and of each uncompressed
 */
public record RegistrySettings(
        List<Registry> registries,
        Optional<Path> dockerConfig,
        boolean open,
        Duration connectTimeout,
        Duration stallTimeout,
        int atOnce,
        long maxBytes) {
    public static final RegistrySettings DEFAULTS = new RegistrySettings(
            List.of(), Optional.empty(), true, Duration.ofSeconds(5), Duration.ofSeconds(30), 4, 10L << 30);

    /**
     * One registry.
     *
     * @param host with its port, as in references; {@code docker.io} for Docker Hub
     * @param plainHttp spoken to without TLS
     * @param passwordFile holds the password or token alone, read anew for every image
     */
    public record Registry(String host, boolean plainHttp, Optional<String> user, Optional<Path> passwordFile) {}

    public RegistrySettings {
        registries = List.copyOf(registries);
    }

    Optional<Registry> of(String host) {
        return registries.stream().filter(r -> r.host().equals(host)).findFirst();
    }
}
