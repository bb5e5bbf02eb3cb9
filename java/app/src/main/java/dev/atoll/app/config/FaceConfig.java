package dev.atoll.app.config;

import java.net.URI;
import java.util.Optional;

/** Atoll's own API and where it listens. */
public record FaceConfig(
        @Key("Address and port to listen on.") HostPort listen,
        @Key("How clients reach it when that differs from the address they call (a proxy, a name): http(s)://host[:port].")
        Optional<String> publicUrl) {
    static final FaceConfig NATIVE = new FaceConfig(new HostPort("127.0.0.1", 7280), Optional.empty());

    public FaceConfig {
        publicUrl.ifPresent(FaceConfig::check);
    }

    static void check(String url) {
        String scheme = "";
        try {
            scheme = String.valueOf(URI.create(url).getScheme());
        } catch (IllegalArgumentException malformed) {
            // Falls through to the message below.
        }
        if ((!scheme.equals("http") && !scheme.equals("https")) || url.endsWith("/")) {
            throw new IllegalArgumentException("public_url is '" + url + "'; allowed: http(s)://host[:port] without a slash at the end");
        }
    }
}
