package dev.atoll.blob;

import java.util.HexFormat;

/**
 * One part of an image and the name of its content in the store.
 *
 * @param index which part
 * @param name 32 bytes
 */
record Chunk(int index, byte[] name) {
    static final int NAME_BYTES = 32;
    static final int BYTES = Integer.BYTES + NAME_BYTES;

    static String hex(byte[] name) {
        return HexFormat.of().formatHex(name);
    }
}
