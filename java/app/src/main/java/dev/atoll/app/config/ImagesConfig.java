package dev.atoll.app.config;

import com.fasterxml.jackson.annotation.JsonCreator;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Where images come from, and which templates take their place. */
public record ImagesConfig(
        @Key("The first pattern that matches wins; * is any text without a slash. prefer: registry uses the template only"
                + " when no registry can be reached, alias always.")
        List<Alias> alias,
        @Key("What is known about single registries: host as in references (docker.io, registry.example.com:5000), and as"
                + " needed user, password_file (holds the password or token alone, readable by the engine's user), plain_http."
                + " Only a registry that is named here may have an address of a private network.")
        List<Registry> registries,
        @Key("A file in the form of docker's config.json with credentials of further registries, readable by the engine's user.")
        Optional<String> dockerConfig,
        @Key("Whether images of registries that are not named here may be used.") boolean open,
        @Key("Longest wait for a connection to a registry.") Span connectTimeout,
        @Key("Longest time in which a registry sends nothing.") Span stallTimeout,
        @Key("Layers downloaded at the same time, 1 to 64.") int downloads,
        @Key("Largest image, its layers compressed, and each uncompressed, 1MiB to 1TiB.") DataSize maxSize) {
    static final ImagesConfig DEFAULTS = new ImagesConfig(Stream.of(
                    "nikolaik/python-nodejs:*", "daytonaio/sandbox:*", "python:*", "debian:*", "ubuntu:*", "node:*", "alpine:*")
            .map(pattern -> new Alias(pattern, "base", Prefer.REGISTRY))
            .toList(),
            List.of(), Optional.empty(), true, Span.parse("5s"), Span.parse("30s"), 4, DataSize.parse("10GiB"));

    /** When an alias applies. */
    public enum Prefer {
        REGISTRY,
        ALIAS
    }

    /** @param template name of a template of this node */
    public record Alias(String pattern, String template, Prefer prefer) {
        @JsonCreator
        static Alias of(@Nullable String pattern, @Nullable String template, @Nullable Prefer prefer) {
            if (pattern == null || template == null || pattern.isBlank() || template.isBlank()) {
                throw new IllegalArgumentException("images.alias needs a pattern and a template");
            }
            return new Alias(pattern, template, prefer == null ? Prefer.REGISTRY : prefer);
        }
    }

    /** One registry. */
    public record Registry(String host, boolean plainHttp, Optional<String> user, Optional<String> passwordFile) {
        @JsonCreator
        static Registry of(
                @Nullable String host, @Nullable Boolean plainHttp, @Nullable String user, @Nullable String passwordFile) {
            if (host == null || host.isBlank()) {
                throw new IllegalArgumentException("images.registries needs a host");
            }
            if (user != null && passwordFile == null) {
                throw new IllegalArgumentException("images.registries: " + host + " has a user and no password_file");
            }
            if (passwordFile != null) {
                Bounds.absolute("images.registries.password_file", passwordFile);
            }
            return new Registry(
                    host, Boolean.TRUE.equals(plainHttp), Optional.ofNullable(user), Optional.ofNullable(passwordFile));
        }
    }

    public ImagesConfig {
        alias = List.copyOf(alias);
        registries = List.copyOf(registries);
        dockerConfig.ifPresent(file -> Bounds.absolute("images.docker_config", file));
        Bounds.range("images.downloads", downloads, 1, 64);
        Bounds.range("images.max_size", maxSize, DataSize.parse("1MiB"), DataSize.parse("1TiB"));
    }
}
