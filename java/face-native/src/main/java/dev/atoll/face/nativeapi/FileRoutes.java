package dev.atoll.face.nativeapi;

import dev.atoll.domain.FileContext;
import dev.atoll.domain.FileWatch;
import dev.atoll.domain.Files;
import dev.atoll.domain.Replacement;
import dev.atoll.domain.TextMatch;
import dev.atoll.domain.WatchEvent;
import dev.atoll.http.InvalidInputException;
import dev.atoll.http.Json;
import dev.atoll.http.Request;
import dev.atoll.http.Response;
import dev.atoll.http.Router;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/** Names, attributes and searches; what moves contents is in {@link FileContentRoutes}. */
final class FileRoutes {
    private static final int DEFAULT_ENTRIES = 10_000;
    private static final int MAX_ENTRIES = 100_000;
    private static final int MAX_DEPTH = 64;
    private static final int MAX_REPLACE_FILES = 10_000;

    record ListJson(List<FileJson> files) {}

    record MatchesJson(List<TextMatch> matches) {}

    record ReplacementsJson(List<Replacement> results) {}

    record WatchJson(String type, String path, Optional<String> oldPath, boolean directory) {
        static WatchJson of(WatchEvent event) {
            return new WatchJson(Names.of(event.kind()), event.path(), event.oldPath(), event.directory());
        }
    }

    record MkdirRequest(
            Optional<String> path,
            Optional<String> mode,
            Optional<Boolean> parents,
            Optional<Boolean> existOk,
            Optional<String> user,
            Optional<String> cwd) {}

    record RenameRequest(
            Optional<String> source,
            Optional<String> destination,
            Optional<Boolean> noReplace,
            Optional<String> user,
            Optional<String> cwd) {}

    record CopyRequest(
            Optional<String> source,
            Optional<String> destination,
            Optional<Boolean> recursive,
            Optional<String> user,
            Optional<String> cwd) {}

    record ChmodRequest(
            Optional<String> path,
            Optional<String> mode,
            Optional<Boolean> recursive,
            Optional<String> user,
            Optional<String> cwd) {}

    record ChownRequest(
            Optional<String> path,
            Optional<String> owner,
            Optional<String> group,
            Optional<Boolean> recursive,
            Optional<String> user,
            Optional<String> cwd) {}

    record SearchRequest(
            Optional<String> path,
            Optional<String> pattern,
            Optional<Boolean> regex,
            Optional<Integer> limit,
            Optional<String> user,
            Optional<String> cwd) {}

    record GlobRequest(
            Optional<String> path,
            Optional<String> pattern,
            Optional<Integer> limit,
            Optional<String> user,
            Optional<String> cwd) {}

    record ReplaceRequest(
            Optional<List<String>> files,
            Optional<String> pattern,
            Optional<String> replacement,
            Optional<Boolean> regex,
            Optional<String> user,
            Optional<String> cwd) {}

    private final Files files;
    private final References references;

    FileRoutes(Files files, References references) {
        this.files = files;
        this.references = references;
    }

    void addTo(Router.Builder router) {
        String all = "/v1/sandboxes/{sandbox}/files";
        router.get(all, this::list)
                .delete(all, this::remove)
                .get(all + "/stat", this::stat)
                .get(all + "/watch", this::watch)
                .post(all + "/mkdir", this::mkdir)
                .post(all + "/rename", this::rename)
                .post(all + "/copy", this::copy)
                .post(all + "/chmod", this::chmod)
                .post(all + "/chown", this::chown)
                .post(all + "/search", this::search)
                .post(all + "/glob", this::glob)
                .post(all + "/replace", this::replace);
    }

    private Response list(Request request) {
        int depth = (int) request.queryLong("depth", 1, MAX_DEPTH).orElse(1);
        int limit = (int) request.queryLong("limit", 1, MAX_ENTRIES).orElse(DEFAULT_ENTRIES);
        var found = files.list(
                Authentication.caller(request),
                references.sandbox(request),
                Input.context(request),
                Paths.query(request, "path"),
                depth,
                limit);
        return Response.json(new ListJson(found.stream().map(FileJson::of).toList()));
    }

    private Response stat(Request request) {
        return Response.json(FileJson.of(files.stat(
                Authentication.caller(request),
                references.sandbox(request),
                Input.context(request),
                Paths.query(request, "path"),
                request.queryFlag("followLink", true))));
    }

    private Response remove(Request request) {
        files.remove(
                Authentication.caller(request),
                references.sandbox(request),
                Input.context(request),
                Paths.query(request, "path"),
                request.queryFlag("recursive", false),
                request.queryFlag("missingOk", false));
        return Response.noContent();
    }

    private Response watch(Request request) {
        FileWatch watch = files.watch(
                Authentication.caller(request),
                references.sandbox(request),
                Input.context(request),
                Paths.query(request, "path"),
                request.queryFlag("recursive", false));
        request.onDisconnect(() -> Thread.ofVirtual().start(watch::close));
        return Response.events(events -> {
                    for (var next = watch.next(); next.isPresent(); next = watch.next()) {
                        WatchJson event = WatchJson.of(next.get());
                        events.send(event.type(), new String(Json.STRICT.write(event), StandardCharsets.UTF_8));
                    }
                })
                .closing(watch);
    }

    private Response mkdir(Request request) throws IOException {
        MkdirRequest in = Input.json(request, MkdirRequest.class);
        files.mkdir(
                Authentication.caller(request),
                references.sandbox(request),
                new FileContext(in.user(), in.cwd()),
                Paths.field("path", in.path()),
                Input.mode("mode", in.mode()),
                in.parents().orElse(false),
                in.existOk().orElse(false));
        return Response.noContent();
    }

    private Response rename(Request request) throws IOException {
        RenameRequest in = Input.json(request, RenameRequest.class);
        files.rename(
                Authentication.caller(request),
                references.sandbox(request),
                new FileContext(in.user(), in.cwd()),
                Paths.field("source", in.source()),
                Paths.field("destination", in.destination()),
                in.noReplace().orElse(false));
        return Response.noContent();
    }

    private Response copy(Request request) throws IOException {
        CopyRequest in = Input.json(request, CopyRequest.class);
        files.copy(
                Authentication.caller(request),
                references.sandbox(request),
                new FileContext(in.user(), in.cwd()),
                Paths.field("source", in.source()),
                Paths.field("destination", in.destination()),
                in.recursive().orElse(false));
        return Response.noContent();
    }

    private Response chmod(Request request) throws IOException {
        ChmodRequest in = Input.json(request, ChmodRequest.class);
        OptionalInt mode = Input.mode("mode", Optional.of(Input.require("mode", in.mode())));
        files.chmod(
                Authentication.caller(request),
                references.sandbox(request),
                new FileContext(in.user(), in.cwd()),
                Paths.field("path", in.path()),
                mode.orElseThrow(),
                in.recursive().orElse(false));
        return Response.noContent();
    }

    private Response chown(Request request) throws IOException {
        ChownRequest in = Input.json(request, ChownRequest.class);
        if (in.owner().isEmpty() && in.group().isEmpty()) {
            throw new InvalidInputException("owner", "(absent)", "owner, group or both");
        }
        files.chown(
                Authentication.caller(request),
                references.sandbox(request),
                new FileContext(in.user(), in.cwd()),
                Paths.field("path", in.path()),
                in.owner(),
                in.group(),
                in.recursive().orElse(false));
        return Response.noContent();
    }

    private Response search(Request request) throws IOException {
        SearchRequest in = Input.json(request, SearchRequest.class);
        return Response.json(new MatchesJson(files.search(
                Authentication.caller(request),
                references.sandbox(request),
                new FileContext(in.user(), in.cwd()),
                Paths.field("path", in.path()),
                Input.require("pattern", in.pattern()),
                in.regex().orElse(false),
                Input.limit("limit", in.limit(), 1000, MAX_ENTRIES))));
    }

    private Response glob(Request request) throws IOException {
        GlobRequest in = Input.json(request, GlobRequest.class);
        var found = files.glob(
                Authentication.caller(request),
                references.sandbox(request),
                new FileContext(in.user(), in.cwd()),
                Paths.field("path", in.path()),
                Input.require("pattern", in.pattern()),
                Input.limit("limit", in.limit(), DEFAULT_ENTRIES, MAX_ENTRIES));
        return Response.json(new ListJson(found.stream().map(FileJson::of).toList()));
    }

    private Response replace(Request request) throws IOException {
        ReplaceRequest in = Input.json(request, ReplaceRequest.class);
        List<String> paths = Input.require("files", in.files());
        if (paths.isEmpty() || paths.size() > MAX_REPLACE_FILES) {
            throw new InvalidInputException("files", paths.size() + " files", "1 to " + MAX_REPLACE_FILES);
        }
        paths.forEach(path -> Paths.field("files", Optional.of(path)));
        return Response.json(new ReplacementsJson(files.replace(
                Authentication.caller(request),
                references.sandbox(request),
                new FileContext(in.user(), in.cwd()),
                paths,
                Input.require("pattern", in.pattern()),
                Input.require("replacement", in.replacement()),
                in.regex().orElse(false))));
    }
}
