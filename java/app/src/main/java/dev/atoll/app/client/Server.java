package dev.atoll.app.client;

import dev.atoll.app.run.Endpoint;
import dev.atoll.app.run.Layout;
import dev.atoll.app.run.OperatorException;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Which server to talk to, and with which key.
 *
 * @param url without a slash at the end
 * @param key secret
 */
public record Server(String url, String key) {
    /** An instance of this machine with its operator's key. */
    public record Local(Endpoint endpoint, String key) {
        @Override
        public String toString() {
            return endpoint.toString();
        }
    }

    /** ATOLL_URL and ATOLL_API_KEY of the environment, else the instance of this machine. */
    public static Server find(String instance) {
        String url = System.getenv("ATOLL_URL");
        String key = System.getenv("ATOLL_API_KEY");
        if (url != null && !url.isEmpty()) {
            if (key == null || key.isEmpty()) {
                throw new OperatorException("ATOLL_URL is set, and ATOLL_API_KEY is missing");
            }
            return new Server(url.replaceAll("/+$", ""), key);
        }
        return of(local(instance));
    }

    public static Server of(Local local) {
        return new Server(local.endpoint().nativeUrl(), local.key());
    }

    public static Local local(String instance) {
        Endpoint endpoint = Endpoint.read(Layout.endpoint(instance))
                .orElseThrow(() -> new OperatorException("instance '" + instance
                        + "' is not up on this machine: './atoll up --detach', or set ATOLL_URL and ATOLL_API_KEY"));
        return new Local(endpoint, key(endpoint));
    }

    /** The operator's key. */
    public static String key(Endpoint endpoint) {
        Path file = Path.of(endpoint.keyFile());
        try {
            return Files.readString(file).strip();
        } catch (AccessDeniedException denied) {
            throw new OperatorException("only root reads the operator's key; set ATOLL_URL and ATOLL_API_KEY to a key of your own");
        } catch (IOException e) {
            throw new OperatorException(file + " cannot be read: " + e.getClass().getSimpleName());
        }
    }

    /** Without the key, so that no message shows it. */
    @Override
    public String toString() {
        return url;
    }
}
