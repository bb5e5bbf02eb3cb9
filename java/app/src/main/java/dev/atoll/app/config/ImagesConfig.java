package dev.atoll.app.config;

import com.fasterxml.jackson.annotation.JsonCreator;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Which templates image references lead to. */
public record ImagesConfig(
        @Key("The first pattern that matches wins; * is any text without a slash. prefer: registry uses the template only"
                + " when no registry can be reached, alias always.")
        List<Alias> alias) {
    static final ImagesConfig DEFAULTS = new ImagesConfig(Stream.of(
                    "nikolaik/python-nodejs:*", "daytonaio/sandbox:*", "python:*", "debian:*", "ubuntu:*", "node:*", "alpine:*")
            .map(pattern -> new Alias(pattern, "base", Prefer.REGISTRY))
            .toList());

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

    public ImagesConfig {
        alias = List.copyOf(alias);
    }
}
