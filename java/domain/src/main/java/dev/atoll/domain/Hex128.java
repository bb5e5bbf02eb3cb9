package dev.atoll.domain;

/** The form that all ids of the engine have. */
final class Hex128 {
    private Hex128() {}

    static void check(String field, String value) {
        boolean ok = value.length() == 32;
        for (int i = 0; ok && i < 32; i++) {
            char c = value.charAt(i);
            ok = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
        }
        if (!ok) {
            throw new InvalidFieldException(field, value, "32 lower-case hexadecimal characters");
        }
    }
}
