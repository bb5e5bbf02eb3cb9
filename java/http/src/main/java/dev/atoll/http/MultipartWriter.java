package dev.atoll.http;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.OptionalLong;

/** Writes {@code multipart/form-data} part by part. One thread. */
public final class MultipartWriter {
    private final OutputStream out;
    private final String boundary;
    private boolean first = true;

    /** @param out not closed here */
    public MultipartWriter(OutputStream out, String boundary) {
        this.out = out;
        this.boundary = boundary;
    }

    /** The Content-Type that belongs to a boundary. */
    public static String contentType(String boundary) {
        return "multipart/form-data; boundary=" + boundary;
    }

    /**
     * Begins a part; its content is then written to the underlying stream.
     *
     * @param length of the content, when known; the writer must keep it
     */
    public void part(String name, Optional<String> filename, String contentType, OptionalLong length)
            throws IOException {
        StringBuilder head = new StringBuilder(256);
        head.append(first ? "--" : "\r\n--").append(boundary).append("\r\nContent-Disposition: form-data; name=\"");
        head.append(escape(name)).append('"');
        filename.ifPresent(f -> head.append("; filename=\"").append(escape(f)).append('"'));
        head.append("\r\nContent-Type: ").append(contentType);
        if (length.isPresent()) {
            head.append("\r\nContent-Length: ").append(length.getAsLong());
        }
        head.append("\r\n\r\n");
        first = false;
        out.write(head.toString().getBytes(StandardCharsets.UTF_8));
    }

    /** The closing boundary; nothing may follow. */
    public void finish() throws IOException {
        String end = (first ? "--" : "\r\n--") + boundary + "--\r\n";
        out.write(end.getBytes(StandardCharsets.UTF_8));
    }

    /** As Go's mime/multipart does: quotes and backslashes escaped, line ends as percent escapes. */
    private static String escape(String text) {
        return text.replace("\\", "\\\\").replace("\"", "\\\"").replace("\r", "%0D").replace("\n", "%0A");
    }
}
