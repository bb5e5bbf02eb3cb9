package dev.atoll.app.client;

import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;

/** Builds the path of a request; every part is encoded. */
public final class Query {
    private final StringBuilder text = new StringBuilder("/v1");
    private char separator = '?';

    private Query() {}

    /** {@code of("sandboxes", name, "stop")} is {@code /v1/sandboxes/<name>/stop}. */
    public static Query of(String... segments) {
        var query = new Query();
        for (String segment : segments) {
            query.text.append('/').append(encode(segment));
        }
        return query;
    }

    public Query with(String name, String value) {
        text.append(separator).append(encode(name)).append('=').append(encode(value));
        separator = '&';
        return this;
    }

    private static String encode(String part) {
        return URLEncoder.encode(part, StandardCharsets.UTF_8).replace("+", "%20");
    }

    @Override
    public String toString() {
        return text.toString();
    }
}
