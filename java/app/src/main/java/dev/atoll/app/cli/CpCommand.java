package dev.atoll.app.cli;

import dev.atoll.app.client.ApiClient;
import dev.atoll.app.client.ApiException;
import dev.atoll.app.client.Query;
import dev.atoll.app.run.OperatorException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.JsonNode;

@Command(
        name = "cp",
        mixinStandardHelpOptions = true,
        description = "Copies a file or directory into or out of a sandbox, as cp -r does: SANDBOX:PATH names what is inside.")
final class CpCommand implements Callable<Integer> {
    private static final String TAR_TYPE = "application/x-tar";

    @Mixin
    private final ServerOptions server = new ServerOptions();

    @Parameters(index = "0", paramLabel = "SOURCE", description = "PATH or SANDBOX:PATH.")
    private String source = "";

    @Parameters(index = "1", paramLabel = "DESTINATION", description = "PATH or SANDBOX:PATH; into it when it is a directory.")
    private String destination = "";

    /** A path inside a sandbox. */
    private record Inside(String sandbox, String path) {
        static Optional<Inside> parse(String text) {
            int colon = text.indexOf(':');
            boolean local = colon < 1 || text.substring(0, colon).contains("/");
            return local ? Optional.empty() : Optional.of(new Inside(text.substring(0, colon), text.substring(colon + 1)));
        }

        Inside child(String name) {
            return new Inside(sandbox, path.endsWith("/") ? path + name : path + "/" + name);
        }

        Query files(String kind) {
            return Query.of("sandboxes", sandbox, "files", kind);
        }
    }

    @Override
    public Integer call() {
        Optional<Inside> from = Inside.parse(source);
        Optional<Inside> to = Inside.parse(destination);
        if (from.isPresent() == to.isPresent()) {
            throw new OperatorException("one of the two is SANDBOX:PATH, the other a path of this machine");
        }
        ApiClient client = server.client();
        try {
            if (to.isPresent()) {
                upload(client, Path.of(source), to.get());
            } else {
                download(client, from.orElseThrow(), Path.of(destination));
            }
        } catch (IOException e) {
            throw new UncheckedIOException("copying failed", e);
        }
        return 0;
    }

    private static void upload(ApiClient client, Path from, Inside to) {
        if (!Files.exists(from)) {
            throw new OperatorException(from + " is not there");
        }
        Inside target = isDirectory(client, to) ? to.child(name(from)) : to;
        if (Files.isDirectory(from)) {
            List<String> tar = List.of("tar", "-C", from.toString(), "-cf", "-", ".");
            client.upload("PUT", target.files("archive").with("path", target.path()), TAR_TYPE, out -> pack(tar, out));
        } else {
            client.upload("PUT", target.files("content").with("path", target.path()).with("mode", mode(from)), "application/octet-stream", out -> Files.copy(from, out));
        }
    }

    private static String mode(Path file) {
        return Files.isExecutable(file) ? "0755" : "0644";
    }

    private static void pack(List<String> tar, OutputStream out) throws IOException {
        Process process = new ProcessBuilder(tar).redirectError(ProcessBuilder.Redirect.INHERIT).start();
        process.getOutputStream().close();
        process.getInputStream().transferTo(out);
        await(process);
    }

    private static void download(ApiClient client, Inside from, Path to) throws IOException {
        JsonNode info = stat(client, from).orElseThrow(() -> new OperatorException(from.path() + " is not there in " + from.sandbox()));
        Path target = Files.isDirectory(to) ? to.resolve(name(Path.of(from.path()))) : to;
        Path parent = target.toAbsolutePath().getParent();
        if (parent != null && !Files.isDirectory(parent)) {
            throw new OperatorException(parent + " is no directory here");
        }
        if (!info.path("type").asString().equals("directory")) {
            try (InputStream in = client.download(from.files("content").with("path", from.path()))) {
                Files.copy(in, target, StandardCopyOption.REPLACE_EXISTING);
            }
            return;
        }
        Files.createDirectories(target);
        Process process = new ProcessBuilder(unpack(target)).redirectError(ProcessBuilder.Redirect.INHERIT).start();
        try (InputStream in = client.download(from.files("archive").with("base", from.path()).with("path", from.path()));
                OutputStream out = process.getOutputStream()) {
            in.transferTo(out);
        }
        await(process);
    }

    /**
     * GNU tar holds back links that lead out until all is written, so names cannot leave the target.
     * Owners and set-id bits of a sandbox mean nothing here; devices are refused by the capability
     * that root gives up first.
     */
    private static List<String> unpack(Path target) {
        var command = new ArrayList<String>();
        if ("root".equals(System.getProperty("user.name"))) {
            command.addAll(List.of("setpriv", "--inh-caps=-mknod", "--bounding-set=-mknod", "--"));
        }
        command.addAll(List.of("tar", "-C", target.toString(), "--no-same-owner", "--no-same-permissions", "--no-overwrite-dir", "-xf", "-"));
        return command;
    }

    private static void await(Process process) throws IOException {
        try {
            if (process.waitFor() != 0) {
                throw new IOException("tar ended with status " + process.exitValue());
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        }
    }

    private static boolean isDirectory(ApiClient client, Inside path) {
        return stat(client, path).filter(info -> info.path("type").asString().equals("directory")).isPresent();
    }

    private static Optional<JsonNode> stat(ApiClient client, Inside path) {
        try {
            return Optional.of(client.get(path.files("stat").with("path", path.path()).with("followLink", "true")));
        } catch (ApiException refused) {
            if (refused.code().equals("guest_not_found")) {
                return Optional.empty();
            }
            throw refused;
        }
    }

    private static String name(Path path) {
        return String.valueOf(path.toAbsolutePath().normalize().getFileName());
    }
}
