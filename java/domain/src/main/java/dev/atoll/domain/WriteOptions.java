package dev.atoll.domain;

import java.util.OptionalInt;

/**
 * How to write a file.
 *
 * @param mode permission bits; empty = those of the old file, else 0644
 * @param parents make missing directories above it
 * @param append at the end instead of replacing
 * @param createNew fail when there is one already
 */
public record WriteOptions(OptionalInt mode, boolean parents, boolean append, boolean createNew) {
    public static final WriteOptions REPLACE = new WriteOptions(OptionalInt.empty(), true, false, false);
}
