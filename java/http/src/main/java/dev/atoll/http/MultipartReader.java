package dev.atoll.http;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Reads {@code multipart/form-data} (RFC 7578, RFC 2046 §5.1) part by part as it arrives, in constant
 * memory whatever the size. Malformed input is {@link InvalidInputException}. One thread.
 */
public final class MultipartReader {
    /**
     * Bounds of what is held in memory or counted; contents are not bounded here.
     *
     * @param maxHeaderBytes of one part
     * @param maxParts of the whole
     */
    public record Limits(int maxHeaderBytes, int maxParts) {
        /** 16 KiB of headers, 10,000 parts. */
        public static final Limits DEFAULT = new Limits(16 << 10, 10_000);
    }

    private static final int BUFFER_BYTES = 64 << 10;
    private static final int MAX_BOUNDARY = 70;
    private static final byte[] CRLF = {'\r', '\n'};

    private final InputStream in;
    private final Limits limits;
    private final BoundaryFinder finder;
    private final byte[] buffer = new byte[BUFFER_BYTES];
    private int position;
    private int limit;
    /** No boundary starts before this index; at or after {@code position}. */
    private int contentEnd;
    /** Whether a boundary starts at {@code contentEnd}. */
    private boolean boundaryAhead;

    private int parts;
    private boolean finished;
    private @Nullable Part current;

    /**
     * @param in the body, not closed here
     * @param boundary 1 to 70 characters, as in the Content-Type
     */
    public MultipartReader(InputStream in, String boundary, Limits limits) {
        if (boundary.isEmpty() || boundary.length() > MAX_BOUNDARY) {
            throw new InvalidInputException("boundary", boundary, "1 to " + MAX_BOUNDARY + " characters");
        }
        this.in = in;
        this.limits = limits;
        this.finder = new BoundaryFinder(("\r\n--" + boundary).getBytes(StandardCharsets.UTF_8));
        // The first boundary may stand at the very start: the line end before it is supplied.
        System.arraycopy(CRLF, 0, buffer, 0, CRLF.length);
        limit = CRLF.length;
    }

    /**
     * The parts of this request.
     *
     * @throws HttpException 415 when its body is no multipart/form-data
     */
    public static MultipartReader of(Request request, Limits limits) {
        String type = request.header("Content-Type").orElse("");
        HeaderParameters parsed = HeaderParameters.parse(type);
        if (!parsed.value().equalsIgnoreCase("multipart/form-data")) {
            throw new HttpException(
                    415, "unsupported_media_type", "Content-Type is '" + type + "'; allowed: multipart/form-data");
        }
        String boundary = parsed.get("boundary")
                .orElseThrow(() -> new InvalidInputException("Content-Type", type, "a boundary parameter"));
        return new MultipartReader(request.body(), boundary, limits);
    }

    /**
     * The next part; what was not read of the one before is skipped.
     *
     * @return empty after the closing boundary
     * @throws InvalidInputException also when the body ends without it
     */
    public Optional<Part> next() throws IOException {
        if (finished) {
            return Optional.empty();
        }
        skipToBoundary();
        if (current != null) {
            current.over = true;
        }
        position += finder.length();
        if (readBoundaryTail()) {
            finished = true;
            return Optional.empty();
        }
        if (++parts > limits.maxParts()) {
            throw new InvalidInputException("parts", Integer.toString(parts), "at most " + limits.maxParts() + " parts");
        }
        Part part = new Part(readHeaders());
        contentEnd = position;
        boundaryAhead = false;
        // A part without content may end in the line end of its headers.
        if (available(finder.length() - CRLF.length) && finder.matchesAt(buffer, position - CRLF.length)) {
            position -= CRLF.length;
            contentEnd = position;
            boundaryAhead = true;
        }
        current = part;
        return Optional.of(part);
    }

    private void skipToBoundary() throws IOException {
        while (findContent()) {
            position = contentEnd;
        }
    }

    /** Makes {@code contentEnd} lie after {@code position}; false when a boundary is there instead. */
    private boolean findContent() throws IOException {
        while (true) {
            if (contentEnd > position) {
                return true;
            }
            if (boundaryAhead) {
                return false;
            }
            int found = finder.find(buffer, position, limit);
            if (found >= 0) {
                contentEnd = found;
                boundaryAhead = true;
                continue;
            }
            int safe = limit - (finder.length() - 1);
            if (safe > position) {
                contentEnd = safe;
                return true;
            }
            if (!fill()) {
                throw new InvalidInputException("", "(ended early)", "parts up to the closing boundary");
            }
            contentEnd = position;
        }
    }

    /** What follows the boundary: true for the closing {@code --}, false for a line end. */
    private boolean readBoundaryTail() throws IOException {
        if (!available(2)) {
            throw malformed("ends in a boundary");
        }
        if (buffer[position] == '-' && buffer[position + 1] == '-') {
            return true;
        }
        String padding = readLine(finder.length());
        if (!padding.isBlank()) {
            throw malformed("text after a boundary");
        }
        return false;
    }

    private List<Response.Header> readHeaders() throws IOException {
        List<Response.Header> headers = new ArrayList<>();
        int left = limits.maxHeaderBytes();
        while (true) {
            String line = readLine(left);
            left -= line.length() + CRLF.length;
            if (line.isEmpty()) {
                return headers;
            }
            int colon = line.indexOf(':');
            if (colon < 1) {
                throw malformed("a part header without name");
            }
            headers.add(new Response.Header(line.substring(0, colon).strip(), line.substring(colon + 1).strip()));
        }
    }

    /** A line without its end, of at most max bytes. */
    private String readLine(int max) throws IOException {
        int length = 0;
        while (true) {
            if (!available(length + 2)) {
                throw malformed("ends inside the head of a part");
            }
            if (buffer[position + length] == '\r' && buffer[position + length + 1] == '\n') {
                String line = new String(buffer, position, length, StandardCharsets.UTF_8);
                position += length + CRLF.length;
                return line;
            }
            if (++length > max) {
                throw malformed("part headers longer than " + limits.maxHeaderBytes() + " bytes");
            }
        }
    }

    /** Whether this many bytes from {@code position} on are there; reads them if need be. */
    private boolean available(int bytes) throws IOException {
        while (limit - position < bytes) {
            if (!fill()) {
                return false;
            }
        }
        return true;
    }

    /** Reads some more behind what is there. Two bytes before {@code position} are kept. */
    private boolean fill() throws IOException {
        int keep = Math.max(0, position - CRLF.length);
        if (keep > 0) {
            System.arraycopy(buffer, keep, buffer, 0, limit - keep);
            position -= keep;
            limit -= keep;
            contentEnd = Math.max(position, contentEnd - keep);
        }
        int read = in.read(buffer, limit, buffer.length - limit);
        if (read <= 0) {
            return false;
        }
        limit += read;
        return true;
    }

    private static InvalidInputException malformed(String what) {
        return new InvalidInputException("", "(" + what + ")", "multipart/form-data");
    }

    /** One part; its content must be read before the next part is asked for. */
    public final class Part {
        private final List<Response.Header> headers;
        private final HeaderParameters disposition;
        private final InputStream content = new Content();
        private boolean over;

        private Part(List<Response.Header> headers) {
            this.headers = headers;
            this.disposition = HeaderParameters.parse(header("Content-Disposition").orElse(""));
        }

        /** The field's name, empty when the part has none. */
        public String name() {
            return disposition.get("name").orElse("");
        }

        public Optional<String> filename() {
            return disposition.get("filename");
        }

        public Optional<String> contentType() {
            return header("Content-Type");
        }

        /** The first header of this name, in any case. */
        public Optional<String> header(String name) {
            String wanted = name.toLowerCase(Locale.ROOT);
            return headers.stream()
                    .filter(h -> h.name().toLowerCase(Locale.ROOT).equals(wanted))
                    .map(Response.Header::value)
                    .findFirst();
        }

        /** The content as it arrives; read in big arrays. Closing does nothing. */
        public InputStream content() {
            return content;
        }

        /** The content as text; @throws HttpException 413 beyond the bound */
        public String text(int maxBytes) throws IOException {
            return new String(new BoundedInputStream(content, maxBytes).readAllBytes(), StandardCharsets.UTF_8);
        }

        private final class Content extends InputStream {
            @Override
            public int read() throws IOException {
                byte[] one = new byte[1];
                return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
            }

            @Override
            public int read(byte[] bytes, int offset, int length) throws IOException {
                if (length == 0) {
                    return 0;
                }
                if (over || !findContent()) {
                    return -1;
                }
                int count = Math.min(length, contentEnd - position);
                System.arraycopy(buffer, position, bytes, offset, count);
                position += count;
                return count;
            }
        }
    }

    /** Finds a fixed byte string (Horspool). */
    private static final class BoundaryFinder {
        private final byte[] wanted;
        private final int[] skip = new int[256];

        BoundaryFinder(byte[] wanted) {
            this.wanted = wanted;
            Arrays.fill(skip, wanted.length);
            for (int i = 0; i < wanted.length - 1; i++) {
                skip[wanted[i] & 0xff] = wanted.length - 1 - i;
            }
        }

        int length() {
            return wanted.length;
        }

        int find(byte[] bytes, int from, int to) {
            int last = wanted.length - 1;
            int at = from;
            while (at + last < to) {
                byte end = bytes[at + last];
                if (end == wanted[last] && matchesAt(bytes, at)) {
                    return at;
                }
                at += skip[end & 0xff];
            }
            return -1;
        }

        boolean matchesAt(byte[] bytes, int at) {
            return Arrays.equals(bytes, at, at + wanted.length, wanted, 0, wanted.length);
        }
    }
}
