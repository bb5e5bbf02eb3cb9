package dev.atoll.face.nativeapi;

import dev.atoll.domain.ArchiveOptions;
import dev.atoll.domain.FileDownload;
import dev.atoll.domain.FileInfo;
import dev.atoll.domain.Files;
import dev.atoll.domain.WriteOptions;
import dev.atoll.http.InvalidInputException;
import dev.atoll.http.Request;
import dev.atoll.http.Response;
import dev.atoll.http.Router;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.List;

/** Contents of files and trees, streamed both ways in constant memory. */
final class FileContentRoutes {
    private static final int CHUNK_BYTES = 256 << 10;
    private static final int MAX_ARCHIVE_PATHS = 1000;

    record ExtractedJson(long entries) {}

    private final Files files;
    private final References references;

    FileContentRoutes(Files files, References references) {
        this.files = files;
        this.references = references;
    }

    void addTo(Router.Builder router) {
        router.get("/v1/sandboxes/{sandbox}/files/content", this::read)
                .put("/v1/sandboxes/{sandbox}/files/content", this::write)
                .get("/v1/sandboxes/{sandbox}/files/archive", this::archive)
                .put("/v1/sandboxes/{sandbox}/files/archive", this::extract);
    }

    private Response read(Request request) {
        String path = Paths.query(request, "path");
        long offset = request.queryLong("offset", 0, Long.MAX_VALUE).orElse(0);
        long length = request.queryLong("length", 0, Long.MAX_VALUE).orElse(-1);
        FileDownload download = files.read(
                Authentication.caller(request),
                references.sandbox(request),
                Input.context(request),
                path,
                offset,
                length);
        FileInfo info = download.info();
        Response response;
        if (info.type() == FileInfo.Type.FILE && info.size() > 0) {
            long rest = Math.max(0, info.size() - offset);
            long announced = length < 0 ? rest : Math.min(rest, length);
            response = Response.content(
                    "application/octet-stream", announced, out -> copy(download.content(), out, announced));
        } else {
            // Files of /proc say they are empty, pipes and devices have no size: sent until they end.
            response = Response.stream("application/octet-stream", out -> copy(download.content(), out));
        }
        return response.with("X-Content-Type-Options", "nosniff")
                .with("X-Atoll-File-Mode", Output.mode(info.mode()))
                .closing(download);
    }

    /** Exactly this many bytes: a file that grows meanwhile is cut, one that shrinks is an error. */
    private static void copy(InputStream in, OutputStream out, long length) throws IOException {
        byte[] chunk = new byte[(int) Math.clamp(length, 1, CHUNK_BYTES)];
        long left = length;
        while (left > 0) {
            int read = in.read(chunk, 0, (int) Math.min(chunk.length, left));
            if (read < 0) {
                throw new EOFException("the file became shorter while it was read");
            }
            out.write(chunk, 0, read);
            left -= read;
        }
    }

    private static void copy(InputStream in, OutputStream out) throws IOException {
        byte[] chunk = new byte[CHUNK_BYTES];
        for (int read; (read = in.read(chunk)) >= 0; ) {
            out.write(chunk, 0, read);
        }
    }

    private Response write(Request request) {
        var options = new WriteOptions(
                Input.mode("query.mode", request.query("mode")),
                request.queryFlag("parents", true),
                request.queryFlag("append", false),
                request.queryFlag("createNew", false),
                request.contentLength());
        if (options.append() && options.createNew()) {
            throw new InvalidInputException("query.append", "true", "append or createNew, not both");
        }
        FileInfo info = files.write(
                Authentication.caller(request),
                references.sandbox(request),
                Input.context(request),
                Paths.query(request, "path"),
                options,
                request.body());
        return Response.json(FileJson.of(info));
    }

    private Response archive(Request request) {
        List<String> paths = request.queryAll("path");
        if (paths.isEmpty() || paths.size() > MAX_ARCHIVE_PATHS) {
            throw new InvalidInputException("query.path", paths.size() + " paths", "1 to " + MAX_ARCHIVE_PATHS);
        }
        paths.forEach(path -> Paths.check("query.path", path));
        boolean gzip = request.queryFlag("gzip", false);
        InputStream tar = files.archive(
                Authentication.caller(request),
                references.sandbox(request),
                Input.context(request),
                request.query("base").map(base -> Paths.check("query.base", base)).orElse("/"),
                paths,
                gzip);
        return Response.stream(gzip ? "application/gzip" : "application/x-tar", out -> copy(tar, out))
                .closing(tar);
    }

    private Response extract(Request request) {
        var options = new ArchiveOptions(
                request.queryFlag("gzip", false),
                request.queryFlag("keepOwner", false),
                request.queryLong("maxBytes", 0, Long.MAX_VALUE).orElse(0),
                request.queryLong("maxEntries", 0, Long.MAX_VALUE).orElse(0));
        long entries = files.extract(
                Authentication.caller(request),
                references.sandbox(request),
                Input.context(request),
                Paths.query(request, "path"),
                options,
                request.body());
        return Response.json(new ExtractedJson(entries));
    }
}
