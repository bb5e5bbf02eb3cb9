package dev.atoll.domain;

/**
 * A command that was run to its end with its output collected.
 *
 * @param stdout at most the asked bound; with merged output all of it
 * @param truncated output beyond the bound was read and thrown away
 */
public record Execution(ProcessId id, ProcessExit exit, byte[] stdout, byte[] stderr, boolean truncated) {}
