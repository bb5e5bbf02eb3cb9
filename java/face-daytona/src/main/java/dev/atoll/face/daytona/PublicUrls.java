package dev.atoll.face.daytona;

import dev.atoll.http.Request;
import java.net.URI;
import java.util.Optional;

/** The addresses under which a client reaches this face. */
final class PublicUrls {
    private final Optional<String> configured;

    PublicUrls(Optional<URI> publicUrl) {
        configured = publicUrl.map(URI::toString).map(u -> u.endsWith("/") ? u.substring(0, u.length() - 1) : u);
    }

    /** What SDKs put {@code /{sandbox}/…} behind. */
    String toolbox(Request request) {
        return origin(request) + ToolboxPath.PREFIX;
    }

    /** Without configuration, the way the request came is a way that works for its client. */
    String origin(Request request) {
        return configured.orElseGet(() -> request.scheme() + "://" + request.authority());
    }
}
