package dev.atoll.warden;

/**
 * Memory in the pool.
 *
 * @param id of a hibernated sandbox or of a snapshot
 * @param bytes of memory; the disk beside it is not counted
 * @param used the sandbox went on from there: what is on its disk may be newer
 */
public record SavedMemory(String id, long bytes, boolean used) {}
