package dev.atoll.app.cli;

import dev.atoll.app.client.ApiClient;
import dev.atoll.app.client.Query;
import dev.atoll.app.run.OperatorException;
import dev.atoll.image.ContextArchive;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
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
        JsonNode build = client.upload("POST", query(), "application/x-tar", this::writeContext);
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

    private Query query() {
        Query query = Query.of("builds", "context").with("dockerfile", ContextArchive.DOCKERFILE).with("force", Boolean.toString(force));
        if (name != null) {
            query.with("name", name);
        }
        args.forEach((key, value) -> query.with("arg", key + "=" + value));
        secrets.forEach(secret -> query.with("secret", secret));
        return query;
    }

    private void writeContext(OutputStream out) throws IOException {
        Path dockerfile = Optional.ofNullable(file).orElse(directory.resolve("Dockerfile"));
        try (var context = new ContextWriter(directory, out)) {
            // Wherever it lies, and whatever is excluded.
            context.add(ContextArchive.DOCKERFILE, dockerfile);
            context.addTree();
        }
    }
}
