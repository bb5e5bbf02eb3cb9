package dev.atoll.engine;

import dev.atoll.domain.ContextFile;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Optional;
import java.util.zip.GZIPInputStream;

/** Tells archives, which ADD unpacks, from other files by their content. */
final class Archives {
    private static final int MAGIC_AT = 257;
    private static final byte[] MAGIC = "ustar".getBytes(StandardCharsets.US_ASCII);

    /** What an archive is packed in. */
    enum Form {
        PLAIN,
        GZIP
    }

    private Archives() {}

    /** Empty when it is none of ours: it is a file like others then. */
    static Optional<Form> form(ContextFile.Content content) throws IOException {
        byte[] head;
        try (InputStream in = content.open()) {
            head = in.readNBytes(2);
        }
        boolean gzip = head.length == 2 && (head[0] & 0xff) == 0x1f && (head[1] & 0xff) == 0x8b;
        try (InputStream in = content.open()) {
            return isTar(gzip ? new GZIPInputStream(in) : in) ? Optional.of(gzip ? Form.GZIP : Form.PLAIN) : Optional.empty();
        } catch (java.util.zip.ZipException noGzip) {
            return Optional.empty();
        }
    }

    private static boolean isTar(InputStream in) throws IOException {
        byte[] block = in.readNBytes(MAGIC_AT + MAGIC.length);
        return block.length == MAGIC_AT + MAGIC.length
                && Arrays.equals(block, MAGIC_AT, block.length, MAGIC, 0, MAGIC.length);
    }
}
