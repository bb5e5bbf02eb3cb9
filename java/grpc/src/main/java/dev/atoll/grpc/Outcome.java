package dev.atoll.grpc;

import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;

/** Status and message as they go over the wire. */
record Outcome(Status status, String message) {
    static final Outcome OK = new Outcome(Status.OK, "");

    /** Headers are bounded by clients, often at 8 KiB. */
    private static final int MAX_MESSAGE = 4096;

    static Outcome of(GrpcException error) {
        return new Outcome(error.status(), String.valueOf(error.getMessage()));
    }

    Map<String, String> headers() {
        var headers = new LinkedHashMap<String, String>();
        headers.put("grpc-status", Integer.toString(status.code()));
        if (!message.isEmpty()) {
            headers.put("grpc-message", percentEncoded(message));
        }
        return headers;
    }

    /** PROTOCOL-HTTP2.md, "Status-Message": UTF-8, all but printable ASCII without the percent sign as %XX. */
    private static String percentEncoded(String text) {
        var encoded = new StringBuilder();
        for (byte b : text.getBytes(StandardCharsets.UTF_8)) {
            String next = b >= ' ' && b <= '~' && b != '%' ? String.valueOf((char) b) : String.format("%%%02X", b);
            if (encoded.length() + next.length() > MAX_MESSAGE) {
                break;
            }
            encoded.append(next);
        }
        return encoded.toString();
    }
}
