package dev.atoll.image.registry;

/**
 * What a manifest says about content.
 *
 * @param size bytes; more or fewer are refused
 */
public record Descriptor(String mediaType, Digest digest, long size) {}
