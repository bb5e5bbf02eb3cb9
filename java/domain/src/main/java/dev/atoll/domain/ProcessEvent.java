package dev.atoll.domain;

/** What {@link ProcessStream#next} yields. */
public sealed interface ProcessEvent {
    /** Which output. */
    enum Stream {
        STDOUT,
        STDERR
    }

    /** Bytes that were written, in order. The array is the receiver's. */
    record Output(Stream stream, byte[] bytes) implements ProcessEvent {}

    /** Bytes {@code from} (inclusive) to {@code to} (exclusive) of a stream were dropped before they were read. */
    record Gap(Stream stream, long from, long to) implements ProcessEvent {}

    /** The end; nothing follows. */
    record Exited(ProcessExit exit) implements ProcessEvent {}
}
