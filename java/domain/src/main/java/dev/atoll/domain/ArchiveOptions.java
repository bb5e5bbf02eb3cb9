package dev.atoll.domain;

/**
 * How to unpack a tar stream.
 *
 * @param maxBytes unpacked, 0 = the disk's own bound
 * @param maxEntries 0 = no bound of ours
 */
public record ArchiveOptions(boolean gzip, boolean keepOwner, long maxBytes, long maxEntries) {
    public static final ArchiveOptions PLAIN = new ArchiveOptions(false, false, 0, 0);
}
