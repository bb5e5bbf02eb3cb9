package dev.atoll.face.daytona;

import dev.atoll.domain.FileContext;
import dev.atoll.domain.FileInfo;
import dev.atoll.domain.Files;
import dev.atoll.domain.InvalidFieldException;
import dev.atoll.http.HttpException;
import dev.atoll.http.Json;
import dev.atoll.http.Request;
import dev.atoll.http.Response;
import dev.atoll.http.Router;
import java.io.IOException;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/** {@code /toolbox/{sandbox}/files} but for contents. Relative paths start in the work directory. */
final class FileRoutes {
    private static final int MAX_LISTED = 1_000_000;
    private static final int MAX_MATCHES = 100_000;
    private static final int MAX_BODY = 8 << 20;

    private final Files files;
    private final Toolbox toolbox;

    FileRoutes(Files files, Toolbox toolbox) {
        this.files = files;
        this.toolbox = toolbox;
    }

    private record Match(String file, long line, String content) {}

    private record Found(List<String> files) {}

    private record ReplaceRequest(
            @Nullable List<String> files, @Nullable String pattern, @Nullable String newValue) {}

    private record Replaced(String file, boolean success, Optional<String> error) {}

    void addTo(Router.Builder router) {
        router.get("/toolbox/{sandbox}/files", this::list)
                .get("/toolbox/{sandbox}/files/info", this::info)
                .delete("/toolbox/{sandbox}/files", this::delete)
                .post("/toolbox/{sandbox}/files/folder", this::createFolder)
                .post("/toolbox/{sandbox}/files/move", this::move)
                .post("/toolbox/{sandbox}/files/permissions", this::setPermissions)
                .get("/toolbox/{sandbox}/files/find", this::find)
                .get("/toolbox/{sandbox}/files/search", this::search)
                .post("/toolbox/{sandbox}/files/replace", this::replace);
    }

    private Response list(Request request) {
        String path = request.query("path").filter(p -> !p.isEmpty()).orElse(".");
        int depth = (int) request.queryLong("depth", 1, 64).orElse(1);
        List<FileInfo> entries = files.list(
                toolbox.caller(request), toolbox.sandbox(request), FileContext.DEFAULT, path, depth, MAX_LISTED);
        return Response.json(entries.stream().map(VendorFile::of).toList());
    }

    private Response info(Request request) {
        return Response.json(VendorFile.of(stat(request, Toolbox.required(request, "path"), true)));
    }

    private Response delete(Request request) {
        String path = Toolbox.required(request, "path");
        boolean recursive = request.queryFlag("recursive", false);
        if (!recursive && stat(request, path, false).type() == FileInfo.Type.DIRECTORY) {
            throw new HttpException(400, "bad_request", "cannot delete directory without recursive flag");
        }
        files.remove(
                toolbox.caller(request), toolbox.sandbox(request), FileContext.DEFAULT, path, recursive, false);
        return Response.noContent();
    }

    private Response createFolder(Request request) {
        String path = Toolbox.required(request, "path");
        OptionalInt mode = mode(request);
        files.mkdir(
                toolbox.caller(request), toolbox.sandbox(request), FileContext.DEFAULT, path,
                mode.isPresent() ? mode : OptionalInt.of(0755), true, true);
        return Response.empty(201);
    }

    private Response move(Request request) {
        files.rename(
                toolbox.caller(request), toolbox.sandbox(request), FileContext.DEFAULT,
                Toolbox.required(request, "source"), Toolbox.required(request, "destination"), true);
        return Response.empty(200);
    }

    private Response setPermissions(Request request) {
        String path = Toolbox.required(request, "path");
        OptionalInt mode = mode(request);
        Optional<String> owner = request.query("owner").filter(o -> !o.isEmpty());
        Optional<String> group = request.query("group").filter(g -> !g.isEmpty());
        // The owner first: a change of it takes setuid bits away.
        if (owner.isPresent() || group.isPresent()) {
            files.chown(
                    toolbox.caller(request), toolbox.sandbox(request), FileContext.DEFAULT, path, owner, group, false);
        }
        if (mode.isPresent()) {
            files.chmod(
                    toolbox.caller(request), toolbox.sandbox(request), FileContext.DEFAULT, path, mode.getAsInt(), false);
        }
        if (owner.isEmpty() && group.isEmpty() && mode.isEmpty()) {
            stat(request, path, true);
        }
        return Response.empty(200);
    }

    private Response find(Request request) {
        var matches = files.search(
                toolbox.caller(request), toolbox.sandbox(request), FileContext.DEFAULT,
                Toolbox.required(request, "path"), Toolbox.required(request, "pattern"), false, MAX_MATCHES);
        return Response.json(
                matches.stream().map(m -> new Match(m.file(), m.line(), m.content())).toList());
    }

    private Response search(Request request) {
        var found = files.glob(
                toolbox.caller(request), toolbox.sandbox(request), FileContext.DEFAULT,
                Toolbox.required(request, "path"), Toolbox.required(request, "pattern"), MAX_MATCHES);
        return Response.json(new Found(found.stream()
                .filter(f -> f.type() != FileInfo.Type.DIRECTORY)
                .map(FileInfo::path)
                .toList()));
    }

    private Response replace(Request request) throws IOException {
        ReplaceRequest body = request.json(Json.LENIENT, ReplaceRequest.class, MAX_BODY);
        if (body.files() == null || body.pattern() == null || body.pattern().isEmpty() || body.newValue() == null) {
            throw new InvalidFieldException(
                    "files, pattern, newValue", "(absent)", "a list of paths, a text that is not empty, a text");
        }
        var results = files.replace(
                toolbox.caller(request), toolbox.sandbox(request), FileContext.DEFAULT, body.files(), body.pattern(),
                body.newValue(), false);
        return Response.json(results.stream()
                .map(r -> new Replaced(r.file(), r.error().isEmpty(), r.error()))
                .toList());
    }

    private FileInfo stat(Request request, String path, boolean followLink) {
        return files.stat(
                toolbox.caller(request), toolbox.sandbox(request), FileContext.DEFAULT, path, followLink);
    }

    private static OptionalInt mode(Request request) {
        Optional<String> text = request.query("mode").filter(m -> !m.isEmpty());
        if (text.isEmpty()) {
            return OptionalInt.empty();
        }
        try {
            int mode = Integer.parseInt(text.get(), 8);
            if (mode >= 0 && mode <= 07777) {
                return OptionalInt.of(mode);
            }
        } catch (NumberFormatException e) {
            // refused below, like a number out of range
        }
        throw new InvalidFieldException("mode", text.get(), "octal digits, 0 to 7777");
    }
}
