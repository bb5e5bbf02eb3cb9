package dev.atoll.face.daytona;

import dev.atoll.domain.FileInfo;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeFormatterBuilder;
import java.time.temporal.ChronoField;
import java.util.Locale;

/**
 * The daemon's FileInfo: Go's texts for mode and time, numeric owner and group.
 *
 * @param mode as Go's {@code FileMode.String}: {@code drwxr-xr-x}, {@code dtrwxrwxrwx}
 * @param modTime as Go's {@code Time.String}
 * @param permissions four octal digits
 */
record VendorFile(
        String name,
        String path,
        long size,
        String mode,
        String modTime,
        Instant modifiedAt,
        boolean isDir,
        String owner,
        String group,
        String permissions) {
    private static final DateTimeFormatter GO_TIME = new DateTimeFormatterBuilder()
            .appendPattern("uuuu-MM-dd HH:mm:ss")
            .appendFraction(ChronoField.NANO_OF_SECOND, 0, 9, true)
            .appendLiteral(" +0000 UTC")
            .toFormatter(Locale.ROOT)
            .withZone(ZoneOffset.UTC);
    private static final String RWX = "rwxrwxrwx";

    static VendorFile of(FileInfo file) {
        return new VendorFile(
                file.name(), file.path(), file.size(), goMode(file), GO_TIME.format(file.modifiedAt()),
                file.modifiedAt(), file.type() == FileInfo.Type.DIRECTORY, Integer.toUnsignedString(file.uid()),
                Integer.toUnsignedString(file.gid()), String.format(Locale.ROOT, "%04o", file.mode() & 0777));
    }

    private static String goMode(FileInfo file) {
        StringBuilder text = new StringBuilder();
        text.append(switch (file.type()) {
            case DIRECTORY -> "d";
            case SYMLINK -> "L";
            case BLOCK_DEVICE -> "D";
            case CHARACTER_DEVICE -> "Dc";
            case FIFO -> "p";
            case SOCKET -> "S";
            case OTHER -> "?";
            case FILE -> "";
        });
        appendIf(text, file.mode(), 04000, 'u');
        appendIf(text, file.mode(), 02000, 'g');
        appendIf(text, file.mode(), 01000, 't');
        if (text.isEmpty()) {
            text.append('-');
        }
        for (int i = 0; i < 9; i++) {
            text.append((file.mode() >> (8 - i) & 1) == 1 ? RWX.charAt(i) : '-');
        }
        return text.toString();
    }

    private static void appendIf(StringBuilder text, int mode, int bit, char letter) {
        if ((mode & bit) != 0) {
            text.append(letter);
        }
    }
}
