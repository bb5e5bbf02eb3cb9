package dev.atoll.domain;

import java.time.Instant;

/**
 * A file system with a life of its own, which several sandboxes of its project may mount at once.
 *
 * @param name unique among the project's volumes
 * @param sizeBytes what it holds at most, its own tables included
 * @param usedBytes allocated in the pool, as of the call
 */
public record Volume(
        VolumeId id, ProjectId project, String name, long sizeBytes, long usedBytes, Instant createdAt) {}
