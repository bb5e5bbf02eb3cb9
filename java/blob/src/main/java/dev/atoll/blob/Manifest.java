package dev.atoll.blob;

import dev.atoll.domain.ConflictException;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * What an archive is made of.
 *
 * @param size of the image, bytes
 * @param dataBytes of its parts
 * @param parts how many
 * @param seal what the warden wants to take the image back
 * @param lists names of the contents that list the parts, in their order
 */
record Manifest(String archive, long size, long dataBytes, int parts, byte[] seal, List<byte[]> lists) {
    private static final byte VERSION = 1;

    Manifest {
        lists = List.copyOf(lists);
    }

    byte[] bytes() {
        ByteBuffer out = ByteBuffer.allocate(
                1 + 2 * Long.BYTES + 3 * Integer.BYTES + seal.length + lists.size() * Chunk.NAME_BYTES);
        out.put(VERSION).putLong(size).putLong(dataBytes).putInt(parts);
        out.putInt(seal.length).put(seal).putInt(lists.size());
        lists.forEach(out::put);
        return out.array();
    }

    /** @param bytes authenticated, so written by some version of this */
    static Manifest of(String archive, byte[] bytes) {
        ByteBuffer in = ByteBuffer.wrap(bytes);
        try {
            if (in.get() != VERSION) {
                throw new ConflictException("the archive " + archive + " is of another version");
            }
            long size = in.getLong();
            long dataBytes = in.getLong();
            int parts = in.getInt();
            byte[] seal = new byte[in.getInt()];
            in.get(seal);
            int count = in.getInt();
            var lists = new ArrayList<byte[]>();
            for (int i = 0; i < count; i++) {
                byte[] name = new byte[Chunk.NAME_BYTES];
                in.get(name);
                lists.add(name);
            }
            return new Manifest(archive, size, dataBytes, parts, seal, lists);
        } catch (BufferUnderflowException | NegativeArraySizeException e) {
            throw new ConflictException("the archive " + archive + " is damaged: its manifest is cut");
        }
    }

    static byte[] list(List<Chunk> chunks) {
        ByteBuffer out = ByteBuffer.allocate(chunks.size() * Chunk.BYTES);
        chunks.forEach(chunk -> out.putInt(chunk.index()).put(chunk.name()));
        return out.array();
    }

    static List<Chunk> chunks(byte[] list) {
        ByteBuffer in = ByteBuffer.wrap(list);
        var chunks = new ArrayList<Chunk>(list.length / Chunk.BYTES);
        while (in.remaining() >= Chunk.BYTES) {
            int index = in.getInt();
            byte[] name = new byte[Chunk.NAME_BYTES];
            in.get(name);
            chunks.add(new Chunk(index, name));
        }
        return chunks;
    }
}
