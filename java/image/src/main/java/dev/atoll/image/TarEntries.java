package dev.atoll.image;

import dev.atoll.domain.BuildTemplate;
import dev.atoll.domain.InvalidFieldException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarConstants;
import org.apache.commons.compress.archivers.tar.TarUtils;

/**
 * The entries of a tar file of somebody who is not trusted, one after the other. Nothing is kept of them
 * here, headers are bounded in number and size, and no content is more than the file has: commons-compress
 * reads single headers only, since its readers keep every entry, names of any length, and follow the size
 * that a sparse entry claims. Sparse entries are refused. For one thread.
 */
final class TarEntries {
    /** With its names and attributes an entry has up to four; some are not kept. */
    private static final int MOST_HEADERS = 5 * BuildTemplate.MOST_FILES;
    /** Of what describes one entry: names, and attributes that are passed over. */
    private static final int LARGEST_EXTRA = 1 << 20;

    private static final int RECORD = TarConstants.DEFAULT_RCDSIZE;
    private static final String ALLOWED = "a tar stream, plain or in gzip";

    private final FileChannel file;
    private final String field;
    private final long end;
    private long position;
    private int headers;
    /** Of all entries that follow. */
    private PaxRecords global = PaxRecords.NONE;

    enum Kind {
        FILE,
        DIRECTORY,
        SYMBOLIC_LINK,
        HARD_LINK,
        /** A device or a pipe. */
        OTHER
    }

    /**
     * One entry.
     *
     * @param link where a link leads, else empty
     * @param mode permission bits, 0 to 07777
     * @param offset of the content in the file
     * @param size of the content in bytes; within the file
     */
    record Entry(String name, String link, Kind kind, int mode, long offset, long size) {}

    /** @param field what is wrong when the file is no tar file */
    TarEntries(FileChannel file, String field) throws IOException {
        this.file = file;
        this.field = field;
        this.end = file.size();
    }

    /**
     * The next entry; empty at the end.
     *
     * @throws InvalidFieldException when it is no tar file, or one that is not taken
     */
    Optional<Entry> next() throws IOException {
        Optional<String> longName = Optional.empty();
        Optional<String> longLink = Optional.empty();
        PaxRecords own = PaxRecords.NONE;
        while (true) {
            Optional<TarArchiveEntry> read = header();
            if (read.isEmpty()) {
                return Optional.empty();
            }
            TarArchiveEntry header = read.get();
            switch (header.getLinkFlag()) {
                case TarConstants.LF_GNUTYPE_LONGNAME -> longName = Optional.of(name(extra(header)));
                case TarConstants.LF_GNUTYPE_LONGLINK -> longLink = Optional.of(name(extra(header)));
                case TarConstants.LF_PAX_EXTENDED_HEADER_LC, TarConstants.LF_PAX_EXTENDED_HEADER_UC ->
                    own = PaxRecords.parse(extra(header)).orElseThrow(() -> refused("a header that cannot be read"));
                case TarConstants.LF_PAX_GLOBAL_EXTENDED_HEADER ->
                    global = PaxRecords.parse(extra(header)).orElseThrow(() -> refused("a header that cannot be read"));
                default -> {
                    return Optional.of(entry(header, own.over(global), longName, longLink));
                }
            }
        }
    }

    private Entry entry(TarArchiveEntry header, PaxRecords pax, Optional<String> longName, Optional<String> longLink) {
        if (header.getLinkFlag() == TarConstants.LF_GNUTYPE_SPARSE || pax.sparse()) {
            throw new InvalidFieldException(
                    field, "an archive with the sparse file " + header.getName(),
                    "whole files, as GNU tar sends them without --sparse and bsdtar with --no-read-sparse");
        }
        String name = pax.path().or(() -> longName).orElseGet(header::getName);
        String link = pax.link().or(() -> longLink).orElseGet(header::getLinkName);
        long size = pax.size().orElseGet(header::getSize);
        long offset = position;
        pass(size);
        return new Entry(name, link, kind(header, name), header.getMode() & 07777, offset, size);
    }

    private static Kind kind(TarArchiveEntry header, String name) {
        return switch (header.getLinkFlag()) {
            case TarConstants.LF_SYMLINK -> Kind.SYMBOLIC_LINK;
            case TarConstants.LF_LINK -> Kind.HARD_LINK;
            case TarConstants.LF_CHR, TarConstants.LF_BLK, TarConstants.LF_FIFO -> Kind.OTHER;
            case TarConstants.LF_DIR -> Kind.DIRECTORY;
            // Archives older than POSIX have no type for directories.
            default -> name.endsWith("/") ? Kind.DIRECTORY : Kind.FILE;
        };
    }

    /** Empty at the end of the file, or where a record of zeros is the end. */
    private Optional<TarArchiveEntry> header() throws IOException {
        if (position >= end) {
            return Optional.empty();
        }
        byte[] record = read(RECORD);
        if (isZero(record)) {
            return Optional.empty();
        }
        if (++headers > MOST_HEADERS) {
            throw new InvalidFieldException(field, "more than " + MOST_HEADERS + " headers", "at most " + BuildTemplate.MOST_FILES + " files");
        }
        try {
            if (!TarUtils.verifyCheckSum(record)) {
                throw refused("a header whose checksum is wrong");
            }
            return Optional.of(new TarArchiveEntry(record));
        } catch (IllegalArgumentException e) {
            throw refused("a header with something else in the place of a number");
        }
    }

    private static boolean isZero(byte[] record) {
        for (byte b : record) {
            if (b != 0) {
                return false;
            }
        }
        return true;
    }

    /** The content of an entry that describes the next. */
    private byte[] extra(TarArchiveEntry header) throws IOException {
        if (header.getSize() < 0 || header.getSize() > LARGEST_EXTRA) {
            throw new InvalidFieldException(
                    field, "a header of " + header.getSize() + " bytes", "names and attributes of at most " + LARGEST_EXTRA + " bytes");
        }
        byte[] bytes = read((int) header.getSize());
        position = padded(position);
        return bytes;
    }

    private byte[] read(int length) throws IOException {
        long from = position;
        pass(length);
        var buffer = ByteBuffer.allocate(length);
        while (buffer.hasRemaining()) {
            if (file.read(buffer, from + buffer.position()) < 0) {
                throw refused("cut");
            }
        }
        position = from + length;
        return buffer.array();
    }

    /** Goes on behind some content. */
    private void pass(long size) {
        if (size < 0 || size > end - position) {
            throw refused("cut, or claims more than it has");
        }
        position = padded(position + size);
    }

    private static long padded(long length) {
        return (length + RECORD - 1) / RECORD * RECORD;
    }

    private InvalidFieldException refused(String how) {
        return new InvalidFieldException(field, how, ALLOWED);
    }

    /** GNU ends names with a zero. */
    private static String name(byte[] bytes) {
        int length = bytes.length;
        while (length > 0 && bytes[length - 1] == 0) {
            length--;
        }
        return new String(bytes, 0, length, StandardCharsets.UTF_8);
    }
}
