package dev.atoll.guest;

/**
 * What a guest says of a layer that it applied.
 *
 * @param bytes of its files
 * @param sha256 of the layer as it is uncompressed, lower-case hexadecimal
 * @param skipped entries that were passed over: devices, and what lies below other mounts
 */
public record LayerApplied(long entries, long bytes, String sha256, long skipped) {}
