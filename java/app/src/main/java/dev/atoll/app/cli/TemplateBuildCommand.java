package dev.atoll.app.cli;

import dev.atoll.app.client.ApiClient;
import dev.atoll.app.client.Query;
import dev.atoll.app.run.OperatorException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.JsonNode;

@Command(
        name = "build",
        mixinStandardHelpOptions = true,
        description = {
            "Builds a template from a Dockerfile and prints its id.",
            "The log goes to standard error. The build goes on when this command is interrupted."
        })
final class TemplateBuildCommand implements Callable<Integer> {
    /** What a request may carry, less what base64 and JSON add. */
    private static final long MOST_CONTEXT_BYTES = 45L << 20;

    private static final Pattern COPY = Pattern.compile("^\\s*COPY\\s", Pattern.CASE_INSENSITIVE | Pattern.MULTILINE);

    @Mixin
    private final ServerOptions server = new ServerOptions();

    @Option(names = {"-f", "--file"}, paramLabel = "FILE", description = "The Dockerfile; DIRECTORY/Dockerfile without this.")
    private @Nullable Path file;

    @Option(names = {"-t", "--name"}, paramLabel = "NAME", description = "Name of the template; its id without this.")
    private @Nullable String name;

    @Option(names = "--arg", paramLabel = "NAME=VALUE", description = "Value of an ARG; may be repeated.")
    private Map<String, String> args = Map.of();

    @Option(names = "--secret", paramLabel = "SECRET", description = "Name or id of a secret whose variables RUN steps see; may be repeated.")
    private List<String> secrets = List.of();

    @Option(names = "--force", description = "Run every step, whatever is cached.")
    private boolean force;

    @Parameters(arity = "0..1", paramLabel = "DIRECTORY", description = "Where COPY finds its files; '.' without this.")
    private Path directory = Path.of(".");

    @Override
    public Integer call() {
        ApiClient client = server.client();
        JsonNode build = client.post(Query.of("builds"), request());
        String id = build.path("id").asString();
        try (InputStream log = client.download(Query.of("builds", id, "log"))) {
            log.transferTo(System.err);
        } catch (IOException e) {
            throw new UncheckedIOException("the log broke off", e);
        }
        JsonNode ended = client.get(Query.of("builds", id));
        if (!ended.path("status").asString().equals("succeeded")) {
            throw new OperatorException("the build " + ended.path("status").asString()
                    + ended.path("failure").path("message").asStringOpt().map(m -> ": " + m).orElse(""));
        }
        System.out.println(id);
        return 0;
    }

    private Map<String, Object> request() {
        String text = read(Optional.ofNullable(file).orElse(directory.resolve("Dockerfile")));
        Map<String, Object> request = new LinkedHashMap<>();
        request.put("dockerfile", text);
        request.put("args", args);
        request.put("secrets", secrets);
        request.put("force", force);
        if (name != null) {
            request.put("name", name);
        }
        if (COPY.matcher(text).find()) {
            request.put("context", context());
        }
        return request;
    }

    private static String read(Path path) {
        try {
            return Files.readString(path);
        } catch (IOException e) {
            throw new OperatorException(path + " cannot be read: " + e.getMessage());
        }
    }

    /** All regular files below the directory. */
    private List<Map<String, String>> context() {
        var files = new ArrayList<Map<String, String>>();
        long bytes = 0;
        try (Stream<Path> below = Files.walk(directory)) {
            for (Path path : below.filter(p -> Files.isRegularFile(p, LinkOption.NOFOLLOW_LINKS)).sorted().toList()) {
                bytes += Files.size(path);
                if (bytes > MOST_CONTEXT_BYTES) {
                    throw new OperatorException("the files below " + directory + " are more than "
                            + (MOST_CONTEXT_BYTES >> 20) + " MiB; name a smaller directory");
                }
                files.add(Map.of(
                        "path", directory.relativize(path).toString(),
                        "mode", Files.isExecutable(path) ? "0755" : "0644",
                        "base64", Base64.getEncoder().encodeToString(Files.readAllBytes(path))));
            }
            return files;
        } catch (IOException e) {
            throw new OperatorException("the files below " + directory + " cannot be read: " + e.getMessage());
        }
    }
}
