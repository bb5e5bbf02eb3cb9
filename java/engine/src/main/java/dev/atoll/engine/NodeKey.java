package dev.atoll.engine;

import dev.atoll.blob.KeyFile;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.util.Arrays;
import java.util.Base64;
import java.util.HexFormat;
import java.util.random.RandomGenerator;
import javax.crypto.Cipher;
import javax.crypto.Mac;
import javax.crypto.SecretKey;
import javax.crypto.spec.GCMParameterSpec;

/**
 * The key of this node: 32 random bytes in a file of mode 0600 that only the engine's user reads, made
 * at the first start. What is sealed with it (AES-256-GCM, a random nonce of 96 bits each) can be read
 * by whoever has both the file and the database, so a backup should keep them apart. Safe from any
 * thread.
 */
final class NodeKey {
    private static final String FILE = "node.key";
    private static final int NONCE_BYTES = 12;
    private static final int TAG_BITS = 128;
    /** First byte of what is sealed: the scheme above. */
    private static final byte SCHEME = 1;

    private final SecretKey sealing;
    private final SecretKey digesting;
    private final RandomGenerator random;

    private NodeKey(byte[] master, RandomGenerator random) {
        this.sealing = KeyFile.derive(master, "atoll seal", "AES");
        this.digesting = KeyFile.derive(master, "atoll digest", "HmacSHA256");
        this.random = random;
    }

    /** Reads the key of this directory, or makes one there. */
    static NodeKey in(Path directory, RandomGenerator random) {
        Path file = directory.resolve(FILE);
        try {
            Files.createDirectories(directory);
            KeyFile.makeIfMissing(file, random);
            byte[] master = Files.readAllBytes(file);
            if (master.length != KeyFile.KEY_BYTES) {
                throw new IllegalStateException(file + " has " + master.length + " bytes; a node's key has " + KeyFile.KEY_BYTES);
            }
            return new NodeKey(master, random);
        } catch (IOException e) {
            throw new UncheckedIOException("the node's key " + file + " cannot be read or made", e);
        }
    }

    /**
     * Encrypts a text.
     *
     * @param purpose what it is; it can be opened with the same purpose only
     */
    String seal(String purpose, String plain) {
        byte[] nonce = new byte[NONCE_BYTES];
        random.nextBytes(nonce);
        try {
            Cipher cipher = cipher(Cipher.ENCRYPT_MODE, nonce, purpose);
            byte[] encrypted = cipher.doFinal(plain.getBytes(StandardCharsets.UTF_8));
            byte[] sealed = ByteBuffer.allocate(1 + NONCE_BYTES + encrypted.length)
                    .put(SCHEME)
                    .put(nonce)
                    .put(encrypted)
                    .array();
            return Base64.getEncoder().encodeToString(sealed);
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("this Java cannot encrypt with AES-GCM", e);
        }
    }

    /** @throws IllegalStateException when it was sealed with another key or purpose, or altered */
    String open(String purpose, String sealed) {
        byte[] bytes = Base64.getDecoder().decode(sealed);
        if (bytes.length < 1 + NONCE_BYTES || bytes[0] != SCHEME) {
            throw new IllegalStateException("no sealed text of this version: " + purpose);
        }
        try {
            Cipher cipher = cipher(Cipher.DECRYPT_MODE, Arrays.copyOfRange(bytes, 1, 1 + NONCE_BYTES), purpose);
            byte[] plain = cipher.doFinal(bytes, 1 + NONCE_BYTES, bytes.length - 1 - NONCE_BYTES);
            return new String(plain, StandardCharsets.UTF_8);
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("sealed with another node's key, or altered: " + purpose, e);
        }
    }

    private Cipher cipher(int mode, byte[] nonce, String purpose) throws GeneralSecurityException {
        Cipher cipher = Cipher.getInstance("AES/GCM/NoPadding");
        cipher.init(mode, sealing, new GCMParameterSpec(TAG_BITS, nonce));
        cipher.updateAAD(purpose.getBytes(StandardCharsets.UTF_8));
        return cipher;
    }

    /** A digest that tells equal texts and says nothing else about them to whoever lacks the key. */
    String digest(String text) {
        try {
            Mac mac = Mac.getInstance("HmacSHA256");
            mac.init(digesting);
            return HexFormat.of().formatHex(mac.doFinal(text.getBytes(StandardCharsets.UTF_8)));
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("every Java has HmacSHA256", e);
        }
    }
}
