package dev.atoll.store;

import java.time.Instant;

/**
 * An archive of a disk in the blob store.
 *
 * @param id its name there, 32 lower-case hexadecimal characters
 * @param subject id of the sandbox or snapshot whose disk it is
 * @param sizeBytes of the disk
 * @param dataBytes of it that are not zeros, by parts
 * @param newBytes that were stored for it, since no earlier archive had them
 * @param state MAKING: the store may hold nothing or all of it
 */
public record ArchiveRecord(
        String id, String subject, long sizeBytes, long dataBytes, long newBytes, Instant createdAt, MakeState state) {}
