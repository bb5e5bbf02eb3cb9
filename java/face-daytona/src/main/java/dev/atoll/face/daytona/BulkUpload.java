package dev.atoll.face.daytona;

import dev.atoll.domain.Caller;
import dev.atoll.domain.FileContext;
import dev.atoll.domain.FileInfo;
import dev.atoll.domain.Files;
import dev.atoll.domain.GuestException;
import dev.atoll.domain.InvalidFieldException;
import dev.atoll.domain.SandboxId;
import dev.atoll.domain.WriteOptions;
import dev.atoll.http.MultipartReader;
import dev.atoll.http.Request;
import dev.atoll.http.Response;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * {@code files/bulk-upload}: fields {@code files[i].path} and {@code files[i].file}, each path
 * before its file. Contents go to the sandbox as they arrive. A file that cannot be written does
 * not keep the others from it; the answer names it.
 */
final class BulkUpload {
    private static final MultipartReader.Limits LIMITS = new MultipartReader.Limits(16 << 10, 20_000);
    private static final int MAX_PATH_BYTES = 4096;
    private static final int MAX_ALL_PATHS_CHARS = 4 << 20;
    private static final Pattern FIELD = Pattern.compile("files\\[(\\d{1,6})]\\.(path|file)");

    private final Files files;
    private final Toolbox toolbox;

    BulkUpload(Files files, Toolbox toolbox) {
        this.files = files;
        this.toolbox = toolbox;
    }

    private record Written(String path, long bytes) {}

    private record Outcome(List<Written> files, Optional<List<String>> errors) {}

    Response handle(Request request) throws IOException {
        MultipartReader reader = MultipartReader.of(request, LIMITS);
        Upload upload = new Upload(toolbox.caller(request), toolbox.sandbox(request));
        for (var part = reader.next(); part.isPresent(); part = reader.next()) {
            upload.take(part.get());
        }
        return upload.answer();
    }

    /** One request's parts so far. */
    private final class Upload {
        private final Caller caller;
        private final SandboxId sandbox;
        private final Map<String, String> paths = new HashMap<>();
        private final List<Written> written = new ArrayList<>();
        private final List<String> errors = new ArrayList<>();
        private int pathsLength;

        Upload(Caller caller, SandboxId sandbox) {
            this.caller = caller;
            this.sandbox = sandbox;
        }

        void take(MultipartReader.Part part) throws IOException {
            Matcher field = FIELD.matcher(part.name());
            if (!field.matches()) {
                return;
            }
            String index = field.group(1);
            if (field.group(2).equals("path")) {
                takePath(index, part.text(MAX_PATH_BYTES).strip());
                return;
            }
            String path = paths.remove(index);
            if (path == null) {
                errors.add("file[" + index + "]: missing .path metadata");
                return;
            }
            try {
                FileInfo file = files.write(
                        caller, sandbox, FileContext.DEFAULT, path, WriteOptions.REPLACE, part.content());
                written.add(new Written(path, file.size()));
            } catch (GuestException e) {
                errors.add(path + ": " + e.getMessage());
            }
        }

        private void takePath(String index, String path) {
            if (path.isEmpty()) {
                errors.add("path[" + index + "]: empty path");
                return;
            }
            pathsLength += path.length();
            InvalidFieldException.requireRange("length of all paths", pathsLength, 0, MAX_ALL_PATHS_CHARS);
            paths.put(index, path);
        }

        Response answer() {
            return errors.isEmpty()
                    ? Response.json(new Outcome(written, Optional.empty()))
                    : Response.json(new Outcome(written, Optional.of(errors))).withStatus(400);
        }
    }
}
