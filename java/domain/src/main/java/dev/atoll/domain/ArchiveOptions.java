package dev.atoll.domain;

import java.util.Optional;
import java.util.OptionalInt;

/**
 * How to unpack a tar stream.
 *
 * @param maxBytes unpacked, 0 = the disk's own bound
 * @param maxEntries 0 = no bound of ours
 * @param owner {@code user[:group]} of every entry instead of its own; empty = as {@code keepOwner} says
 * @param mode permission bits of every file and directory instead of their own
 */
public record ArchiveOptions(
        boolean gzip, boolean keepOwner, long maxBytes, long maxEntries, Optional<String> owner, OptionalInt mode) {
    public static final ArchiveOptions PLAIN = new ArchiveOptions(false, false, 0, 0);

    public ArchiveOptions(boolean gzip, boolean keepOwner, long maxBytes, long maxEntries) {
        this(gzip, keepOwner, maxBytes, maxEntries, Optional.empty(), OptionalInt.empty());
    }
}
