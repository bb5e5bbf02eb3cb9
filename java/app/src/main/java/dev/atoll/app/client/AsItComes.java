package dev.atoll.app.client;

import java.io.FilterInputStream;
import java.io.InputStream;

/**
 * The body of an answer, read as it is asked for. {@link java.net.HttpURLConnection}'s own stream, asked
 * how much is there, first fetches all that the socket has into memory, without bound while the server
 * is the faster one; {@link java.io.InputStreamReader} asks that before every read.
 */
final class AsItComes extends FilterInputStream {
    AsItComes(InputStream body) {
        super(body);
    }

    @Override
    public int available() {
        return 0;
    }
}
