package dev.atoll.warden;

/**
 * Memory in the pool.
 *
 * @param id of a hibernated sandbox or of a snapshot
 * @param used the sandbox went on from there: what is on its disk may be newer
 */
public record SavedMemory(String id, boolean used) {}
