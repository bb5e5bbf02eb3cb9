package dev.atoll.blob;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.GeneralSecurityException;
import java.util.EnumSet;
import java.util.Set;
import java.util.random.RandomGenerator;
import javax.crypto.KDF;
import javax.crypto.SecretKey;
import javax.crypto.spec.HKDFParameterSpec;
import javax.crypto.spec.SecretKeySpec;

/** Files that hold a master key, and the keys that are derived from one. Safe from any thread. */
public final class KeyFile {
    /** Of a master key and of each derived one. */
    public static final int KEY_BYTES = 32;

    private KeyFile() {}

    /**
     * Makes a file of random bytes unless it is there, of mode 0600. Durable before its first use: what was
     * sealed with a lost key is lost. The directory must be there.
     *
     * @param random of cryptographic quality
     */
    public static void makeIfMissing(Path file, RandomGenerator random) throws IOException {
        if (Files.exists(file)) {
            return;
        }
        byte[] master = new byte[KEY_BYTES];
        random.nextBytes(master);
        Path made = file.resolveSibling(file.getFileName() + ".new");
        Files.deleteIfExists(made);
        var ownersOnly = PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"));
        Set<StandardOpenOption> options = EnumSet.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
        try (FileChannel channel = FileChannel.open(made, options, ownersOnly)) {
            channel.write(ByteBuffer.wrap(master));
            channel.force(true);
        }
        Files.move(made, file, StandardCopyOption.ATOMIC_MOVE);
        try (FileChannel directory = FileChannel.open(file.toAbsolutePath().getParent())) {
            directory.force(true);
        }
    }

    /**
     * A key for one purpose, by HKDF-SHA256: who has it learns nothing of the master or of the others.
     *
     * @param purpose ASCII, no other key's of this master
     * @param algorithm that the key is for, as the JDK calls it
     */
    public static SecretKey derive(byte[] master, String purpose, String algorithm) {
        try {
            var parameters = HKDFParameterSpec.ofExtract()
                    .addIKM(new SecretKeySpec(master, "Generic"))
                    .thenExpand(purpose.getBytes(StandardCharsets.US_ASCII), KEY_BYTES);
            return KDF.getInstance("HKDF-SHA256").deriveKey(algorithm, parameters);
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("this Java has no HKDF-SHA256", e);
        }
    }
}
