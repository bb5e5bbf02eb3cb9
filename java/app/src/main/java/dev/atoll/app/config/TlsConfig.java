package dev.atoll.app.config;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.Optional;

/** TLS of all listeners. The files are read again when they change, and by {@code atoll reload}. */
public record TlsConfig(
        @Key("File of the certificate and those it is signed by, PEM; null = no TLS, but for the Modal API, which makes its own.")
        Optional<String> certificate,
        @Key("File of its private key, PEM, readable by node.user.") Optional<String> certificateKey,
        @Key("Oldest version that is spoken: tls1.3 or tls1.2.") Version oldest,
        @Key("Who may use plain HTTP where there is a certificate: this_machine or everyone.") Plain plain) {
    static final TlsConfig DEFAULTS =
            new TlsConfig(Optional.empty(), Optional.empty(), Version.TLS_1_3, Plain.THIS_MACHINE);

    /** Versions of TLS. */
    public enum Version {
        @JsonProperty("tls1.3")
        TLS_1_3,
        @JsonProperty("tls1.2")
        TLS_1_2
    }

    /** Who may do without. */
    public enum Plain {
        THIS_MACHINE,
        EVERYONE
    }

    public TlsConfig {
        requirePair("tls", certificate, certificateKey);
    }

    static void requirePair(String section, Optional<String> certificate, Optional<String> key) {
        if (certificate.isPresent() != key.isPresent()) {
            throw new IllegalArgumentException(section + ".certificate and " + section + ".certificate_key go together; only one is set");
        }
        certificate.ifPresent(path -> Bounds.absolute(section + ".certificate", path));
        key.ifPresent(path -> Bounds.absolute(section + ".certificate_key", path));
    }
}
