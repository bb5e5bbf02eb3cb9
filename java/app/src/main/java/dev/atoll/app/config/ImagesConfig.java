package dev.atoll.app.config;

import java.util.List;
import java.util.stream.Stream;

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
        public Alias {
            if (pattern.isBlank() || template.isBlank()) {
                throw new IllegalArgumentException("images.alias needs a pattern and a template");
            }
        }
    }

    public ImagesConfig {
        alias = List.copyOf(alias);
    }
}
