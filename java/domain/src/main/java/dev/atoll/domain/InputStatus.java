package dev.atoll.domain;

/**
 * What was written to the standard input of a process.
 *
 * @param accepted bytes so far; the offset of the next
 * @param closed end of file was written, or the process has none
 */
public record InputStatus(long accepted, boolean closed) {}
