package dev.atoll.tests;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** Writes tar streams (POSIX ustar), also such as no honest program would. Not safe for several threads. */
public final class Tar {
    private static final int BLOCK = 512;
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private int mode = 0644;
    private int uid;
    private int gid;

    private Tar() {}

    public static Tar of() {
        return new Tar();
    }

    /** Of the entries that follow. */
    public Tar as(int mode, int uid, int gid) {
        this.mode = mode;
        this.uid = uid;
        this.gid = gid;
        return this;
    }

    public Tar file(String name, String content) {
        return file(name, content.getBytes(StandardCharsets.UTF_8));
    }

    public Tar file(String name, byte[] bytes) {
        header(name, '0', bytes.length, "");
        return content(bytes);
    }

    private Tar content(byte[] bytes) {
        out.writeBytes(Arrays.copyOf(bytes, (bytes.length + BLOCK - 1) / BLOCK * BLOCK));
        return this;
    }

    /** A pax record about the entry that follows. */
    public Tar pax(String key, byte[] value) {
        byte[] name = (key + "=").getBytes(StandardCharsets.UTF_8);
        int rest = 1 + name.length + value.length + 1;
        int length = rest + 1;
        while (String.valueOf(length).length() + rest != length) {
            length++;
        }
        var record = new ByteArrayOutputStream();
        record.writeBytes((length + " ").getBytes(StandardCharsets.UTF_8));
        record.writeBytes(name);
        record.writeBytes(value);
        record.write('\n');
        header("pax", 'x', record.size(), "");
        return content(record.toByteArray());
    }

    /** GNU's way to name the entry that follows. */
    public Tar gnuLongName(String name) {
        byte[] bytes = (name + "\0").getBytes(StandardCharsets.UTF_8);
        header("././@LongLink", 'L', bytes.length, "");
        return content(bytes);
    }

    public Tar directory(String name) {
        return header(name, '5', 0, "");
    }

    public Tar symlink(String name, String target) {
        return header(name, '2', 0, target);
    }

    public Tar hardLink(String name, String target) {
        return header(name, '1', 0, target);
    }

    /** A header alone; what follows is the caller's. @param type as in POSIX */
    public Tar header(String name, char type, long size, String link) {
        byte[] header = new byte[BLOCK];
        put(header, 0, name);
        put(header, 100, String.format("%07o\0", mode));
        put(header, 108, String.format("%07o\0", uid));
        put(header, 116, String.format("%07o\0", gid));
        put(header, 124, String.format("%011o\0", size));
        put(header, 136, "00000000000\0");
        put(header, 148, "        ");
        header[156] = (byte) type;
        put(header, 157, link);
        put(header, 257, "ustar\0" + "00");
        int sum = 0;
        for (byte b : header) {
            sum += b & 0xff;
        }
        put(header, 148, String.format("%06o\0 ", sum));
        out.writeBytes(header);
        return this;
    }

    /** The stream with its end. */
    public byte[] bytes() {
        byte[] all = out.toByteArray();
        return Arrays.copyOf(all, all.length + 2 * BLOCK);
    }

    private static void put(byte[] header, int at, String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        System.arraycopy(bytes, 0, header, at, bytes.length);
    }
}
