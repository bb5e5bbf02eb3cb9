package dev.atoll.warden;

/**
 * One MiB of an image, less its blocks of zeros.
 *
 * @param index which MiB
 * @param content see warden.proto; at most 1 MiB and 32 bytes
 */
public record ImagePart(int index, byte[] content) {}
