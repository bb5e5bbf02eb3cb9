package dev.atoll.app.config;

import java.util.Optional;

/** The Modal face: gRPC, plain and by TLS on one port. */
public record ModalFaceConfig(
        @Key("Address and port to listen on.") HostPort listen,
        @Key("How clients of other machines reach it when that differs from the address they call: https://host[:port].")
        Optional<String> publicUrl,
        @Key("File of the certificate and those it is signed by, PEM; null = that of tls, else one that is made and signed by itself.")
        Optional<String> certificate,
        @Key("File of its private key, PEM, readable by the engine's user.") Optional<String> certificateKey) {
    static final ModalFaceConfig DEFAULTS = new ModalFaceConfig(
            new HostPort("127.0.0.1", 7281), Optional.empty(), Optional.empty(), Optional.empty());

    public ModalFaceConfig {
        publicUrl.ifPresent(FaceConfig::check);
        TlsConfig.requirePair("modal", certificate, certificateKey);
    }

    ModalFaceConfig listeningOn(String host) {
        return new ModalFaceConfig(listen.withHost(host), publicUrl, certificate, certificateKey);
    }
}
