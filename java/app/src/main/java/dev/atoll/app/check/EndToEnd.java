package dev.atoll.app.check;

import dev.atoll.app.client.Server;
import dev.atoll.app.config.Config;
import dev.atoll.app.run.Dist;
import dev.atoll.app.run.Down;
import dev.atoll.app.run.Instance;
import dev.atoll.app.run.Up;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** tests/e2e: the vendors' own SDKs and whole agents, against a server of this run's own. */
final class EndToEnd {
    /**
     * A set of tests and what it needs.
     *
     * @param requirements file of what is installed for it
     * @param directory whose tests it runs, with the fixtures from there on; empty = all
     */
    private record Suite(String requirements, String directory) {
        /** Whether pytest's arguments leave something of it to run. */
        boolean concerns(List<String> arguments) {
            List<String> paths = arguments.stream().filter(argument -> !argument.startsWith("-")).toList();
            return directory.isEmpty() || paths.isEmpty() || paths.stream().anyMatch(path -> path.startsWith(directory));
        }

        List<String> pytest(List<String> arguments) {
            var command = new ArrayList<>(arguments);
            if (!directory.isEmpty()) {
                command.add("--confcutdir=" + directory);
                if (arguments.stream().allMatch(argument -> argument.startsWith("-"))) {
                    command.add(directory);
                }
            }
            return command;
        }
    }

    /** Hermes Agent brings its own version of Modal's SDK; what is tested with both runs twice. */
    private static final List<Suite> SUITES = List.of(
            new Suite("requirements.txt", ""), new Suite("requirements-modal.txt", "modal_sdk"));

    private final Dist dist;
    private final Config config;
    private final Instance instance;

    /** @param config of an instance that nothing else uses: it is deleted before and afterwards */
    EndToEnd(Dist dist, Config config) {
        this.dist = dist;
        this.config = config;
        instance = new Instance(config, dist);
    }

    Counts run(List<String> arguments) {
        List<Suite> suites = SUITES.stream().filter(suite -> suite.concerns(arguments)).toList();
        suites.forEach(suite -> PythonEnvironment.of(dist, suite.requirements()));
        var down = new Down(instance, endpoint -> {});
        down.run(Down.Then.PURGE);
        try {
            var up = new Up(instance, dist, endpoint -> {}, System.out);
            up.prepare();
            up.detached();
            return suites.stream()
                    .map(suite -> pytest(PythonEnvironment.of(dist, suite.requirements()), suite.pytest(arguments)))
                    .reduce(Counts.NONE, Counts::plus);
        } finally {
            down.run(Down.Then.PURGE);
        }
    }

    private Counts pytest(Path python, List<String> arguments) {
        Server.Local server = Server.local(config.node().instance());
        Path report = dist.cache().resolve("e2e.xml");
        var command = new ArrayList<>(List.of(
                python.toString(), "-m", "pytest", "-p", "no:cacheprovider", "--junitxml=" + report));
        command.addAll(arguments);
        int status = Runner.run(
                dist.home().resolve("tests/e2e"),
                Map.of(
                        "DAYTONA_API_URL", server.endpoint().daytonaUrl() + "/api",
                        "DAYTONA_API_KEY", server.key(),
                        "MODAL_SERVER_URL", server.endpoint().modalUrl(),
                        "MODAL_TOKEN_ID", "ak-test",
                        "MODAL_TOKEN_SECRET", server.key(),
                        "ATOLL_URL", server.endpoint().nativeUrl(),
                        "ATOLL_API_KEY", server.key(),
                        "ATOLL_INSTANCE", config.node().instance(),
                        "PYTHONDONTWRITEBYTECODE", "1"),
                command,
                line -> {});
        return Reports.junit(Reports.read(report)).afterStatus(status);
    }
}
