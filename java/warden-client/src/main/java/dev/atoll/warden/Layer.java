package dev.atoll.warden;

import dev.atoll.domain.LayerId;

/**
 * A shared read-only layer in the pool.
 *
 * @param bytes allocated
 * @param name of the template that was imported with it; empty for a layer that the engine had made
 * @param configJson the image configuration that was imported with it, as JSON; empty when there is none
 */
public record Layer(LayerId id, long bytes, String name, String configJson) {}
