package dev.atoll.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.atoll.domain.CapacityException;
import dev.atoll.domain.ContextFile;
import dev.atoll.domain.InvalidFieldException;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveOutputStream;
import org.apache.commons.compress.archivers.tar.TarConstants;
import org.apache.commons.compress.archivers.tar.TarUtils;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Archives that claim, repeat or hide more than they have. */
@Timeout(60)
class HostileContextTest {
    private static final long MOST = 1L << 30;

    @TempDir
    private Path directory = Path.of("");

    private ContextArchive receive(InputStream in) throws IOException {
        return ContextArchive.receive(in, directory.resolve("context"), MOST, bytes -> {});
    }

    private void refused(InputStream in, String why) {
        assertThatThrownBy(() -> receive(in)).isInstanceOf(InvalidFieldException.class).hasMessageContaining(why);
        assertThat(directory.resolve("context")).doesNotExist();
    }

    private static InputStream stream(byte[]... parts) {
        var out = new ByteArrayOutputStream();
        for (byte[] part : parts) {
            out.writeBytes(Arrays.copyOf(part, (part.length + 511) / 512 * 512));
        }
        out.writeBytes(new byte[1024]);
        return new ByteArrayInputStream(out.toByteArray());
    }

    /** A header whose sizes are in base 256, so that they may be of any number. */
    private static byte[] header(String name, byte type, long size, long realSize) {
        var entry = new TarArchiveEntry(name, type);
        byte[] header = new byte[512];
        entry.setSize(0);
        entry.writeEntryHeader(header);
        TarUtils.formatLongOctalOrBinaryBytes(size, header, 124, 12);
        if (type == TarConstants.LF_GNUTYPE_SPARSE) {
            TarUtils.formatLongOctalOrBinaryBytes(realSize, header, 483, 12);
        }
        Arrays.fill(header, 148, 156, (byte) ' ');
        TarUtils.formatCheckSumOctalBytes(TarUtils.computeCheckSum(header), header, 148, 8);
        return header;
    }

    private static byte[] pax(String... records) {
        var text = new StringBuilder();
        for (String record : records) {
            int length = record.length() + 4;
            text.append(length < 100 ? "%02d ".formatted(length) : "%d ".formatted(length + 1)).append(record).append('\n');
        }
        return text.toString().getBytes(StandardCharsets.UTF_8);
    }

    @Test
    void sparseEntriesAreRefusedSinceTheirSizeIsNotThatOfTheFile() {
        refused(stream(header("holes", TarConstants.LF_GNUTYPE_SPARSE, 0, Long.MAX_VALUE)), "sparse");
        byte[] records = pax("GNU.sparse.major=1", "GNU.sparse.minor=0", "GNU.sparse.name=holes", "GNU.sparse.realsize=" + Long.MAX_VALUE);
        refused(
                stream(
                        header("x", TarConstants.LF_PAX_EXTENDED_HEADER_LC, records.length, 0), records,
                        header("holes", TarConstants.LF_NORMAL, 0, 0)),
                "sparse");
    }

    @Test
    void anEntryIsNotLargerThanTheFile() {
        refused(stream(header("large", TarConstants.LF_NORMAL, Long.MAX_VALUE, 0)), "claims more");
        byte[] records = pax("size=" + Long.MAX_VALUE);
        refused(
                stream(
                        header("x", TarConstants.LF_PAX_EXTENDED_HEADER_LC, records.length, 0), records,
                        header("large", TarConstants.LF_NORMAL, 0, 0)),
                "claims more");
    }

    @Test
    void headersThatNameNothingAreCounted() {
        byte[] pipe = header("pipe", TarConstants.LF_FIFO, 0, 0);
        refused(new InputStream() {
            private long position;

            @Override
            public int read() {
                return position < 600_000L * 512 ? pipe[(int) (position++ % 512)] & 0xff : -1;
            }

            @Override
            public int read(byte[] into, int offset, int length) {
                int n = 0;
                for (int c = 0; n < length && (c = read()) >= 0; n++) {
                    into[offset + n] = (byte) c;
                }
                return n == 0 ? -1 : n;
            }
        }, "more than 500000 headers");
    }

    @Test
    void namesAreBoundedBeforeTheyAreInMemory() {
        byte[] name = new byte[40 << 20];
        Arrays.fill(name, (byte) 'n');
        byte[] file = header("file", TarConstants.LF_NORMAL, 0, 0);
        refused(stream(header("././@LongLink", TarConstants.LF_GNUTYPE_LONGNAME, name.length, 0), name, file), "a header of");
        refused(stream(header("././@LongLink", TarConstants.LF_GNUTYPE_LONGLINK, name.length, 0), name, file), "a header of");
        refused(stream(header("x", TarConstants.LF_PAX_EXTENDED_HEADER_LC, name.length, 0), name, file), "a header of");
    }

    @Test
    void namesTogetherAreBounded() {
        byte[] name = "d/".repeat(2000).getBytes(StandardCharsets.UTF_8);
        byte[] longName = header("././@LongLink", TarConstants.LF_GNUTYPE_LONGNAME, name.length, 0);
        byte[] file = header("file", TarConstants.LF_NORMAL, 0, 0);
        byte[][] parts = new byte[3 * 5000][];
        for (int i = 0; i < parts.length; i += 3) {
            parts[i] = longName;
            parts[i + 1] = name;
            parts[i + 2] = file;
        }
        refused(stream(parts), "characters together");
    }

    @Test
    void whoeverHasNoMemoryForItRefusesAnArchiveWhileItIsRead() {
        Path file = directory.resolve("context");
        assertThatThrownBy(() -> ContextArchive.receive(stream(header("file", TarConstants.LF_NORMAL, 0, 0)), file, MOST, bytes -> {
            throw new CapacityException(CapacityException.What.QUOTA, "no room for " + bytes);
        })).isInstanceOf(CapacityException.class);
        assertThat(file).doesNotExist();
    }

    @Test
    void anIgnoreFileIsBounded() throws IOException {
        byte[] patterns = "pattern\n".repeat(9000).getBytes(StandardCharsets.UTF_8);
        try (var context = receive(stream(header(".dockerignore", TarConstants.LF_NORMAL, patterns.length, 0), patterns))) {
            assertThatThrownBy(context::files).isInstanceOf(InvalidFieldException.class).hasMessageContaining(".dockerignore.size");
        }
    }

    @Test
    void whatNoArchiveWriterMakesIsNoArchive() {
        byte[] page = "<html>".repeat(200).getBytes(StandardCharsets.UTF_8);
        refused(new ByteArrayInputStream(page), "something else in the place of a number");
        refused(new ByteArrayInputStream(new byte[] {1, 2, 3}), "cut");
    }

    /** GNU's and POSIX's long names, sizes in POSIX headers, and the global header that git writes. */
    @Test
    void longNamesOfBothFormsAreRead() throws IOException {
        for (int form : new int[] {TarArchiveOutputStream.LONGFILE_GNU, TarArchiveOutputStream.LONGFILE_POSIX}) {
            var out = new ByteArrayOutputStream();
            String path = "dir/".repeat(80) + "é";
            try (var tar = new TarArchiveOutputStream(out, "UTF-8")) {
                tar.setLongFileMode(form);
                tar.setAddPaxHeadersForNonAsciiNames(form == TarArchiveOutputStream.LONGFILE_POSIX);
                var file = new TarArchiveEntry(path);
                file.setSize(3);
                file.addPaxHeader("SCHILY.xattr.user.of", "value");
                tar.putArchiveEntry(file);
                tar.write(new byte[] {1, 2, 3});
                tar.closeArchiveEntry();
                var link = new TarArchiveEntry("link", TarConstants.LF_SYMLINK);
                link.setLinkName(path);
                tar.putArchiveEntry(link);
                tar.closeArchiveEntry();
            }
            byte[] comment = pax("comment=" + "0".repeat(40));
            byte[] global = header("pax_global_header", TarConstants.LF_PAX_GLOBAL_EXTENDED_HEADER, comment.length, 0);
            try (var context = receive(stream(global, comment, out.toByteArray()))) {
                Map<String, ContextFile> files = Map.of(
                        context.files().getFirst().path(), context.files().getFirst(),
                        context.files().getLast().path(), context.files().getLast());
                assertThat(files).containsOnlyKeys(path, "link");
                assertThat(context.files().getFirst().content().open()).hasBinaryContent(new byte[] {1, 2, 3});
                assertThat(context.files().getLast().content().open()).hasContent(path);
            }
        }
    }
}
