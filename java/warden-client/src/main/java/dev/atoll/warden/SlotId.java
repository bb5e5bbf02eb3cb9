package dev.atoll.warden;

import dev.atoll.domain.InvalidFieldException;
import java.util.HexFormat;
import java.util.random.RandomGenerator;

/**
 * Names one slot. Chosen by the engine, because the directory of the slot's socket carries the name
 * before the warden hears of it.
 *
 * @param value 32 lower-case hexadecimal characters, 128 random bits
 */
public record SlotId(String value) {
    public SlotId {
        boolean ok = value.length() == 32;
        for (int i = 0; ok && i < 32; i++) {
            char c = value.charAt(i);
            ok = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
        }
        if (!ok) {
            throw new InvalidFieldException("slot", value, "32 lower-case hexadecimal characters");
        }
    }

    /** A new name. @param random a cryptographically strong source */
    public static SlotId random(RandomGenerator random) {
        byte[] bytes = new byte[16];
        random.nextBytes(bytes);
        return new SlotId(HexFormat.of().formatHex(bytes));
    }

    @Override
    public String toString() {
        return value;
    }
}
