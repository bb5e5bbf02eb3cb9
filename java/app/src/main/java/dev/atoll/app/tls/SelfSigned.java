package dev.atoll.app.tls;

import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.math.BigInteger;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.SecureRandom;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.security.spec.ECGenParameterSpec;
import java.time.Duration;
import java.time.Instant;
import java.util.Collection;
import java.util.Date;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x509.BasicConstraints;
import org.bouncycastle.asn1.x509.ExtendedKeyUsage;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.asn1.x509.KeyPurposeId;
import org.bouncycastle.asn1.x509.KeyUsage;
import org.bouncycastle.cert.jcajce.JcaX509ExtensionUtils;
import org.bouncycastle.cert.jcajce.JcaX509v3CertificateBuilder;
import org.bouncycastle.openssl.jcajce.JcaPEMWriter;
import org.bouncycastle.openssl.jcajce.JcaPKCS8Generator;
import org.bouncycastle.operator.OperatorCreationException;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;

/**
 * A certificate signed by its own key, that a client may also be told to trust as an authority: so it
 * has all that strict verifiers ask of one.
 */
public record SelfSigned(String certificatePem, String keyPem) {
    private static final Duration LIFE = Duration.ofDays(3650);
    /** One that ends sooner is made anew. */
    private static final Duration LEAST_LEFT = Duration.ofDays(30);
    /** Clocks of clients may be behind. */
    private static final Duration BEFORE = Duration.ofDays(1);
    private static final X500Name NAME = new X500Name("CN=Atoll,OU=self-signed");
    private static final int SERIAL_BITS = 127;

    /** Whether the file holds a certificate for all these names that lasts. */
    public static boolean serves(Path file, Collection<String> names, Instant now) {
        if (!Files.exists(file)) {
            return false;
        }
        try {
            X509Certificate certificate = PemFiles.chain(file).getFirst();
            return certificate.getNotAfter().toInstant().isAfter(now.plus(LEAST_LEFT))
                    && namesOf(certificate).containsAll(names.stream().map(SelfSigned::spelled).toList());
        } catch (CertificateException | IOException unreadable) {
            return false;
        }
    }

    private static Set<String> namesOf(X509Certificate certificate) throws CertificateException {
        Collection<List<?>> names = certificate.getSubjectAlternativeNames();
        return names == null
                ? Set.of()
                : names.stream().map(entry -> spelled(String.valueOf(entry.get(1)))).collect(Collectors.toSet());
    }

    /** The JDK writes addresses of version 6 out in full. */
    private static String spelled(String name) {
        return name.equals("::1") ? "0:0:0:0:0:0:0:1" : name;
    }

    public static SelfSigned make(Collection<String> names, Instant now, SecureRandom random) {
        try {
            KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
            generator.initialize(new ECGenParameterSpec("secp256r1"), random);
            KeyPair keys = generator.generateKeyPair();
            var builder = new JcaX509v3CertificateBuilder(
                    NAME, new BigInteger(SERIAL_BITS, random), Date.from(now.minus(BEFORE)), Date.from(now.plus(LIFE)),
                    NAME, keys.getPublic());
            var identifiers = new JcaX509ExtensionUtils();
            builder.addExtension(Extension.basicConstraints, true, new BasicConstraints(true));
            builder.addExtension(Extension.keyUsage, true, new KeyUsage(KeyUsage.digitalSignature | KeyUsage.keyCertSign));
            builder.addExtension(Extension.extendedKeyUsage, false, new ExtendedKeyUsage(KeyPurposeId.id_kp_serverAuth));
            builder.addExtension(
                    Extension.subjectKeyIdentifier, false, identifiers.createSubjectKeyIdentifier(keys.getPublic()));
            builder.addExtension(
                    Extension.authorityKeyIdentifier, false, identifiers.createAuthorityKeyIdentifier(keys.getPublic()));
            builder.addExtension(Extension.subjectAlternativeName, false, new GeneralNames(
                    names.stream().map(SelfSigned::generalName).toArray(GeneralName[]::new)));
            var signer = new JcaContentSignerBuilder("SHA256withECDSA").build(keys.getPrivate());
            return new SelfSigned(
                    pem(builder.build(signer)), pem(new JcaPKCS8Generator(keys.getPrivate(), null)));
        } catch (GeneralSecurityException | OperatorCreationException | IOException e) {
            throw new IllegalStateException("cannot make a certificate", e);
        }
    }

    private static GeneralName generalName(String name) {
        boolean address = name.indexOf(':') >= 0 || name.matches("[0-9.]+");
        return new GeneralName(address ? GeneralName.iPAddress : GeneralName.dNSName, name);
    }

    private static String pem(Object object) {
        var text = new StringWriter();
        try (var writer = new JcaPEMWriter(text)) {
            writer.writeObject(object);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return text.toString();
    }

    /** Without the key. */
    @Override
    public String toString() {
        return certificatePem;
    }
}
