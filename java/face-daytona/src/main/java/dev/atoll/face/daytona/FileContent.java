package dev.atoll.face.daytona;

import dev.atoll.domain.FileDownload;
import dev.atoll.domain.FileInfo;
import dev.atoll.domain.GuestException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.OptionalLong;

/**
 * A file's bytes on their way out. The length is known before the first byte goes, but for files
 * whose size says nothing (those of /proc) and that are longer than a block.
 */
final class FileContent implements AutoCloseable {
    private static final int BLOCK_BYTES = 256 << 10;

    private final FileDownload download;
    private final byte[] head;
    private final OptionalLong length;

    private FileContent(FileDownload download, byte[] head, OptionalLong length) {
        this.download = download;
        this.head = head;
        this.length = length;
    }

    /** Takes over the download, also when it throws. @throws GuestException also for a directory */
    static FileContent of(FileDownload download) throws IOException {
        boolean open = false;
        try {
            FileInfo info = download.info();
            if (info.type() == FileInfo.Type.DIRECTORY) {
                throw new GuestException(GuestException.Code.IS_DIRECTORY, info.path() + " is a directory", "path");
            }
            // One byte more than the size tells whether the size says anything.
            int wanted = (int) Math.min(BLOCK_BYTES, Math.max(0, info.size()) + 1);
            byte[] head = download.content().readNBytes(wanted);
            FileContent content = new FileContent(download, head, length(head, wanted, info.size()));
            open = true;
            return content;
        } finally {
            if (!open) {
                download.close();
            }
        }
    }

    private static OptionalLong length(byte[] head, int wanted, long size) {
        if (head.length < wanted) {
            return OptionalLong.of(head.length);
        }
        return size >= head.length ? OptionalLong.of(size) : OptionalLong.empty();
    }

    OptionalLong length() {
        return length;
    }

    /** Writes the announced bytes. @throws IOException when the file has become shorter */
    void writeTo(OutputStream out) throws IOException {
        out.write(head);
        InputStream rest = download.content();
        if (length.isEmpty()) {
            rest.transferTo(out);
            return;
        }
        long left = length.getAsLong() - head.length;
        byte[] block = new byte[(int) Math.min(BLOCK_BYTES, Math.max(left, 1))];
        while (left > 0) {
            int count = rest.read(block, 0, (int) Math.min(block.length, left));
            if (count < 0) {
                throw new IOException(download.info().path() + " became " + left + " bytes shorter while it was read");
            }
            out.write(block, 0, count);
            left -= count;
        }
    }

    @Override
    public void close() {
        download.close();
    }
}
