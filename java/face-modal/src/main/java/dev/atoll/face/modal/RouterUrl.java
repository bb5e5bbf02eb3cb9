package dev.atoll.face.modal;

import dev.atoll.grpc.Call;
import java.net.URI;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Where clients shall find the task command router: on this same port, by the name they called it.
 *
 * <p>All take {@code https}. To a server that they take for local, Python's from 1.2.1 speak TLS without
 * checking the certificate, JavaScript's and Go's speak plaintext whatever the URL says, and Python's
 * from 1.5 also take {@code http}, which saves them the handshakes. To any other they speak TLS and
 * check the certificate.
 */
final class RouterUrl {
    private static final Set<String> LOCAL = Set.of("localhost", "127.0.0.1", "::1", "172.21.0.1");
    /** {@code x-modal-client-type} of the Python client. */
    private static final String PYTHON = "1";
    private static final Pattern VERSION = Pattern.compile("(\\d{1,4})\\.(\\d{1,4}).*");

    private final Optional<URI> publicUrl;

    RouterUrl(Optional<URI> publicUrl) {
        this.publicUrl = publicUrl;
    }

    String of(Call call) {
        String authority = call.authority();
        URI called = URI.create("http://" + authority);
        if (LOCAL.contains(host(called))) {
            return (takesPlain(call) ? "http://" : "https://") + authority;
        }
        return "https://" + publicUrl.map(URI::getAuthority).orElse(authority);
    }

    private static String host(URI url) {
        String host = url.getHost();
        return host == null ? "" : host.replaceAll("[\\[\\]]", "");
    }

    private static boolean takesPlain(Call call) {
        if (call.metadata("x-modal-client-type").filter(PYTHON::equals).isEmpty()) {
            return false;
        }
        Matcher version = VERSION.matcher(call.metadata("x-modal-client-version").orElse(""));
        if (!version.matches()) {
            return false;
        }
        int major = Integer.parseInt(version.group(1));
        return major > 1 || (major == 1 && Integer.parseInt(version.group(2)) >= 5);
    }
}
