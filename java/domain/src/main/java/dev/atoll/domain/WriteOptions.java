package dev.atoll.domain;

import java.util.OptionalInt;
import java.util.OptionalLong;

/**
 * How to write a file.
 *
 * @param mode permission bits; empty = those of the old file, else 0644
 * @param parents make missing directories above it
 * @param append at the end instead of replacing
 * @param createNew fail when there is one already
 * @param size bytes that will come, when that is known: a replacing write takes the space first, so
 *     that a disk without it says so at once
 */
public record WriteOptions(
        OptionalInt mode, boolean parents, boolean append, boolean createNew, OptionalLong size) {
    public static final WriteOptions REPLACE =
            new WriteOptions(OptionalInt.empty(), true, false, false, OptionalLong.empty());

    public WriteOptions withSize(OptionalLong value) {
        return new WriteOptions(mode, parents, append, createNew, value);
    }
}
