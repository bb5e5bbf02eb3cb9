package dev.atoll.domain;

/** What a sandbox is started from. */
public sealed interface Source {
    /** A template by name or id. */
    record OfTemplate(String reference) implements Source {}

    /** An image reference, resolved through {@code images.alias} or, later, a registry. */
    record OfImage(String reference) implements Source {}

    /** Text of a Dockerfile. */
    record OfDockerfile(String text) implements Source {}

    /** A snapshot by name or id. */
    record OfSnapshot(String reference) implements Source {}
}
