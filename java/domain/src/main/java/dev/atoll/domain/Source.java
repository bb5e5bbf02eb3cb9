package dev.atoll.domain;

/** What a sandbox is started from. */
public sealed interface Source {
    /** A template by name or id. */
    record OfTemplate(String reference) implements Source {}

    /** An image reference, resolved through {@code images.alias} or, later, a registry. */
    record OfImage(String reference) implements Source {}

    /** Text of a Dockerfile. */
    record OfDockerfile(String text) implements Source {}

    /** A snapshot by name or id. @param diskOnly starts anew from its disk, also when it has memory to go on from */
    record OfSnapshot(String reference, boolean diskOnly) implements Source {
        /** All that the snapshot has. */
        public OfSnapshot(String reference) {
            this(reference, false);
        }
    }
}
