package dev.atoll.engine;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.GeneralSecurityException;
import java.util.Arrays;
import java.util.Base64;
import java.util.EnumSet;
import java.util.HexFormat;
import java.util.Set;
import java.util.random.RandomGenerator;
import javax.crypto.Cipher;
import javax.crypto.KDF;
import javax.crypto.Mac;
import javax.crypto.SecretKey;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.HKDFParameterSpec;
import javax.crypto.spec.SecretKeySpec;

/**
 * The key of this node: 32 random bytes in a file of mode 0600 that only the engine's user reads, made
 * at the first start. What is sealed with it (AES-256-GCM, a random nonce of 96 bits each) can be read
 * by whoever has both the file and the database, so a backup should keep them apart. Safe from any
 * thread.
 */
final class NodeKey {
    private static final String FILE = "node.key";
    private static final int KEY_BYTES = 32;
    private static final int NONCE_BYTES = 12;
    private static final int TAG_BITS = 128;
    /** First byte of what is sealed: the scheme above. */
    private static final byte SCHEME = 1;

    private final SecretKey sealing;
    private final SecretKey digesting;
    private final RandomGenerator random;

    private NodeKey(byte[] master, RandomGenerator random) {
        this.sealing = derive(master, "atoll seal", "AES");
        this.digesting = derive(master, "atoll digest", "HmacSHA256");
        this.random = random;
    }

    /** Reads the key of this directory, or makes one there. */
    static NodeKey in(Path directory, RandomGenerator random) {
        Path file = directory.resolve(FILE);
        try {
            if (!Files.exists(file)) {
                make(file, random);
            }
            byte[] master = Files.readAllBytes(file);
            if (master.length != KEY_BYTES) {
                throw new IllegalStateException(file + " has " + master.length + " bytes; a node's key has " + KEY_BYTES);
            }
            return new NodeKey(master, random);
        } catch (IOException e) {
            throw new UncheckedIOException("the node's key " + file + " cannot be read or made", e);
        }
    }

    /** Durable before its first use: what was sealed with a lost key is lost. */
    private static void make(Path file, RandomGenerator random) throws IOException {
        Files.createDirectories(file.getParent());
        byte[] master = new byte[KEY_BYTES];
        random.nextBytes(master);
        Path made = file.resolveSibling(FILE + ".new");
        Files.deleteIfExists(made);
        var ownersOnly = PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"));
        Set<StandardOpenOption> options = EnumSet.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
        try (FileChannel channel = FileChannel.open(made, options, ownersOnly)) {
            channel.write(ByteBuffer.wrap(master));
            channel.force(true);
        }
        Files.move(made, file, StandardCopyOption.ATOMIC_MOVE);
        try (FileChannel directory = FileChannel.open(file.getParent())) {
            directory.force(true);
        }
    }

    private static SecretKey derive(byte[] master, String purpose, String algorithm) {
        try {
            var parameters = HKDFParameterSpec.ofExtract()
                    .addIKM(new SecretKeySpec(master, "Generic"))
                    .thenExpand(purpose.getBytes(StandardCharsets.US_ASCII), KEY_BYTES);
            return KDF.getInstance("HKDF-SHA256").deriveKey(algorithm, parameters);
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("this Java has no HKDF-SHA256", e);
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
