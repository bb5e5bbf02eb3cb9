package dev.atoll.blob;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.util.HexFormat;
import java.util.random.RandomGenerator;
import javax.crypto.AEADBadTagException;
import javax.crypto.Cipher;
import javax.crypto.Mac;
import javax.crypto.SecretKey;
import javax.crypto.spec.GCMParameterSpec;

/**
 * What archives are encrypted with: 32 bytes in a file, from which two keys are derived (HKDF-SHA256).
 * Contents are sealed with AES-256-GCM under a random nonce of 96 bits each, bound to what they are; up to
 * 2^32 contents, 4 PiB of them, that is within the bound of NIST SP 800-38D. Names are HMAC-SHA256, so
 * that a store does not learn which contents are equal to ones it knows. Without the file archives are
 * lost. Safe from any thread.
 */
public final class ArchiveKey {
    private static final int NONCE_BYTES = 12;
    private static final int TAG_BITS = 128;
    /** First byte of what is sealed: the scheme above. */
    private static final byte SCHEME = 1;

    private final SecretKey sealing;
    private final SecretKey naming;
    private final RandomGenerator random;

    private ArchiveKey(byte[] master, RandomGenerator random) {
        sealing = KeyFile.derive(master, "atoll archive seal", "AES");
        naming = KeyFile.derive(master, "atoll archive name", "HmacSHA256");
        this.random = random;
    }

    /**
     * Reads a key: 32 bytes, or 64 hexadecimal characters as {@code openssl rand -hex 32} prints them.
     *
     * @param random of cryptographic quality
     * @throws IllegalStateException when the file is missing or no key
     */
    public static ArchiveKey read(Path file, RandomGenerator random) {
        try {
            byte[] content = Files.readAllBytes(file);
            byte[] master = content.length == KeyFile.KEY_BYTES
                    ? content
                    : HexFormat.of().parseHex(new String(content, StandardCharsets.US_ASCII).strip());
            if (master.length != KeyFile.KEY_BYTES) {
                throw new IllegalStateException(file + " is no key: 32 bytes or 64 hexadecimal characters");
            }
            return new ArchiveKey(master, random);
        } catch (IOException e) {
            throw new IllegalStateException("the key of the archives cannot be read: " + e, e);
        } catch (IllegalArgumentException e) {
            throw new IllegalStateException(file + " is no key: 32 bytes or 64 hexadecimal characters", e);
        }
    }

    /** As {@link #read}; a file that is missing is made, durable and for its owner alone. */
    public static ArchiveKey readOrMake(Path file, RandomGenerator random) {
        try {
            KeyFile.makeIfMissing(file, random);
        } catch (IOException e) {
            throw new UncheckedIOException("the key of the archives " + file + " cannot be made", e);
        }
        return read(file, random);
    }

    /** The name of a content of this kind, 32 bytes. */
    byte[] name(String kind, byte[] content) {
        try {
            Mac mac = Primitives.hmac();
            mac.init(naming);
            mac.update(kind.getBytes(StandardCharsets.US_ASCII));
            mac.update((byte) 0);
            return mac.doFinal(content);
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("every Java has HmacSHA256", e);
        }
    }

    /** @param bound what it is; it can be opened as that only */
    byte[] seal(String bound, byte[] content) {
        byte[] nonce = new byte[NONCE_BYTES];
        random.nextBytes(nonce);
        byte[] sealed = new byte[1 + NONCE_BYTES + content.length + TAG_BITS / 8];
        sealed[0] = SCHEME;
        System.arraycopy(nonce, 0, sealed, 1, NONCE_BYTES);
        try {
            int written = cipher(Cipher.ENCRYPT_MODE, nonce, 0, bound)
                    .doFinal(content, 0, content.length, sealed, 1 + NONCE_BYTES);
            if (written != content.length + TAG_BITS / 8) {
                throw new IllegalStateException("AES-GCM wrote " + written + " bytes");
            }
            return sealed;
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("this Java cannot encrypt with AES-GCM", e);
        }
    }

    /** @throws AEADBadTagException when it was sealed with another key, as something else, or altered */
    byte[] open(String bound, byte[] sealed) throws AEADBadTagException {
        int begin = 1 + NONCE_BYTES;
        if (sealed.length < begin + TAG_BITS / 8 || sealed[0] != SCHEME) {
            throw new AEADBadTagException("nothing that this version seals");
        }
        try {
            return cipher(Cipher.DECRYPT_MODE, sealed, 1, bound).doFinal(sealed, begin, sealed.length - begin);
        } catch (AEADBadTagException e) {
            throw e;
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("this Java cannot decrypt with AES-GCM", e);
        }
    }

    private Cipher cipher(int mode, byte[] nonce, int offset, String bound) throws GeneralSecurityException {
        Cipher cipher = Primitives.aesGcm();
        cipher.init(mode, sealing, new GCMParameterSpec(TAG_BITS, nonce, offset, NONCE_BYTES));
        cipher.updateAAD(bound.getBytes(StandardCharsets.US_ASCII));
        return cipher;
    }
}
