package dev.atoll.app.tls;

import dev.atoll.app.config.ConfigException;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.Signature;
import java.security.cert.Certificate;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.util.Date;
import java.util.List;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import org.bouncycastle.asn1.pkcs.PrivateKeyInfo;
import org.bouncycastle.openssl.PEMKeyPair;
import org.bouncycastle.openssl.PEMParser;
import org.bouncycastle.openssl.jcajce.JcaPEMKeyConverter;

/** Certificates and keys in the files that operators have. */
public final class PemFiles {
    private static final char[] NO_PASSWORD = {};
    private static final byte[] NAME_OF_THE_PROOF = {'a', 't', 'o', 'l', 'l'};

    private PemFiles() {}

    /** @throws ConfigException naming the file and what is wrong with it */
    public static SSLContext context(Path certificate, Path key) {
        List<X509Certificate> chain = read(certificate, "certificate", PemFiles::chain);
        PrivateKey secret = read(key, "private key", PemFiles::privateKey);
        if (!belongTogether(chain.getFirst(), secret)) {
            throw new ConfigException("the private key " + key + " is not that of the certificate " + certificate
                    + " (the server's own certificate stands first in its file)");
        }
        Date end = chain.getFirst().getNotAfter();
        if (end.before(new Date())) {
            throw new ConfigException("the certificate " + certificate + " is over since " + end.toInstant());
        }
        try {
            KeyStore keys = KeyStore.getInstance("PKCS12");
            keys.load(null, NO_PASSWORD);
            keys.setKeyEntry("server", secret, NO_PASSWORD, chain.toArray(Certificate[]::new));
            var managers = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
            managers.init(keys, NO_PASSWORD);
            SSLContext context = SSLContext.getInstance("TLS");
            context.init(managers.getKeyManagers(), null, null);
            return context;
        } catch (GeneralSecurityException | IOException e) {
            throw new ConfigException("the certificate " + certificate + " with the key " + key + " cannot be used: " + e.getMessage());
        }
    }

    @FunctionalInterface
    private interface Reader<T> {
        T read(Path file) throws GeneralSecurityException, IOException;
    }

    private static <T> T read(Path file, String what, Reader<T> reader) {
        try {
            return reader.read(file);
        } catch (NoSuchFileException absent) {
            throw new ConfigException("the " + what + " " + file + " does not exist");
        } catch (AccessDeniedException closed) {
            throw new ConfigException("the " + what + " " + file + " cannot be read by user '" + System.getProperty("user.name") + "'");
        } catch (GeneralSecurityException | IOException | IllegalArgumentException e) {
            throw new ConfigException("the " + what + " " + file + " cannot be used: " + e.getMessage());
        }
    }

    /** Whether what the key signs is accepted by the certificate. */
    private static boolean belongTogether(X509Certificate certificate, PrivateKey key) {
        String algorithm = switch (key.getAlgorithm()) {
            case "EC" -> "SHA256withECDSA";
            case "RSA" -> "SHA256withRSA";
            default -> key.getAlgorithm();
        };
        try {
            Signature signature = Signature.getInstance(algorithm);
            signature.initSign(key);
            signature.update(NAME_OF_THE_PROOF);
            byte[] proof = signature.sign();
            signature.initVerify(certificate.getPublicKey());
            signature.update(NAME_OF_THE_PROOF);
            return signature.verify(proof);
        } catch (GeneralSecurityException other) {
            return false;
        }
    }

    /** The server's own first. */
    public static List<X509Certificate> chain(Path file) throws CertificateException, IOException {
        try (var in = Files.newInputStream(file)) {
            List<X509Certificate> chain = CertificateFactory.getInstance("X.509").generateCertificates(in).stream()
                    .map(X509Certificate.class::cast)
                    .toList();
            if (chain.isEmpty()) {
                throw new CertificateException("it holds none");
            }
            return chain;
        }
    }

    /** PKCS 8, and the forms of RSA and EC keys that are older than it; not encrypted. */
    private static PrivateKey privateKey(Path file) throws IOException {
        try (var reader = Files.newBufferedReader(file);
                var parser = new PEMParser(reader)) {
            for (Object found = parser.readObject(); found != null; found = parser.readObject()) {
                switch (found) {
                    case PrivateKeyInfo info -> {
                        return new JcaPEMKeyConverter().getPrivateKey(info);
                    }
                    case PEMKeyPair pair -> {
                        return new JcaPEMKeyConverter().getPrivateKey(pair.getPrivateKeyInfo());
                    }
                    default -> {
                        // Parameters of a curve stand before its key.
                    }
                }
            }
        }
        throw new IOException("it holds no private key in PEM that is not encrypted");
    }
}
