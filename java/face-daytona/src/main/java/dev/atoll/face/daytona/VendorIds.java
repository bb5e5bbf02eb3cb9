package dev.atoll.face.daytona;

import java.util.Locale;
import java.util.Optional;
import java.util.regex.Pattern;

/** The vendor writes ids as UUIDs; ours are the same 128 bits without the dashes. */
final class VendorIds {
    private static final Pattern UUID_FORM =
            Pattern.compile("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}");

    private VendorIds() {}

    /** @param hex 32 hexadecimal characters */
    static String uuid(String hex) {
        return hex.substring(0, 8) + "-" + hex.substring(8, 12) + "-" + hex.substring(12, 16) + "-"
                + hex.substring(16, 20) + "-" + hex.substring(20);
    }

    /** The 32 hexadecimal characters of a UUID, or empty when the text is none. */
    static Optional<String> hex(String text) {
        String lower = text.toLowerCase(Locale.ROOT);
        return UUID_FORM.matcher(lower).matches() ? Optional.of(lower.replace("-", "")) : Optional.empty();
    }
}
