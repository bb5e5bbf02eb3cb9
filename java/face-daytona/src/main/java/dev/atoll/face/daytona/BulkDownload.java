package dev.atoll.face.daytona;

import dev.atoll.domain.Caller;
import dev.atoll.domain.FileContext;
import dev.atoll.domain.Files;
import dev.atoll.domain.GuestException;
import dev.atoll.domain.InvalidFieldException;
import dev.atoll.domain.SandboxId;
import dev.atoll.http.Json;
import dev.atoll.http.MultipartWriter;
import dev.atoll.http.Request;
import dev.atoll.http.Response;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/**
 * {@code files/bulk-download}: one part {@code file} for each path, or a part {@code error} with the
 * daemon's error; the file name is the path as asked. Contents are never held.
 */
final class BulkDownload {
    private static final int MAX_BODY = 8 << 20;
    private static final int MAX_PATHS = 20_000;
    private static final int WRITE_BUFFER = 64 << 10;
    private static final String BOUNDARY = "DAYTONA-FILE-BOUNDARY";

    private final Files files;
    private final Toolbox toolbox;
    private final VendorErrors errors;

    BulkDownload(Files files, Toolbox toolbox, VendorErrors errors) {
        this.files = files;
        this.toolbox = toolbox;
        this.errors = errors;
    }

    private record Paths(@Nullable List<@Nullable String> paths) {}

    Response handle(Request request) throws IOException {
        List<@Nullable String> paths = request.json(Json.LENIENT, Paths.class, MAX_BODY).paths();
        if (paths == null || paths.contains(null)) {
            throw new InvalidFieldException("paths", "(absent or null)", "a list of paths");
        }
        InvalidFieldException.requireRange("paths.size", paths.size(), 1, MAX_PATHS);
        Caller caller = toolbox.caller(request);
        SandboxId sandbox = toolbox.sandbox(request);
        String inside = ToolboxPath.inside(request.path());
        boolean python = request.header("X-Daytona-Source").orElse("").contains("python");
        return Response.stream(MultipartWriter.contentType(BOUNDARY), stream -> {
            OutputStream out = new BufferedOutputStream(stream, WRITE_BUFFER);
            MultipartWriter parts = new MultipartWriter(out, BOUNDARY);
            for (String path : paths) {
                String filename = python ? asPythonSdksReadIt(path) : path;
                write(parts, out, caller, sandbox, path, filename, inside);
            }
            parts.finish();
            out.flush();
        });
    }

    private void write(
            MultipartWriter parts,
            OutputStream out,
            Caller caller,
            SandboxId sandbox,
            String path,
            String filename,
            String inside)
            throws IOException {
        Optional<String> name = Optional.of(filename);
        FileContent opened;
        try {
            opened = FileContent.of(files.read(caller, sandbox, FileContext.DEFAULT, path, 0, -1));
        } catch (GuestException | InvalidFieldException e) {
            byte[] body = Json.LENIENT.write(errors.toolboxError(Failure.of(e), inside, "POST"));
            parts.part("error", name, "application/json", OptionalLong.of(body.length));
            out.write(body);
            return;
        }
        try (opened) {
            parts.part("file", name, "application/octet-stream", opened.length());
            opened.writeTo(out);
        }
    }

    /**
     * The Python SDKs decode a part's headers as UTF-8, encode the file name as Latin-1
     * (python-multipart, parse_options_header) and decode the result as UTF-8 again; paths beyond
     * ASCII come through this only as UTF-8 twice over.
     */
    private static String asPythonSdksReadIt(String path) {
        return new String(path.getBytes(StandardCharsets.UTF_8), StandardCharsets.ISO_8859_1);
    }
}
