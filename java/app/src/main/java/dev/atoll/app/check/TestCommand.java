package dev.atoll.app.check;

import dev.atoll.app.config.Config;
import dev.atoll.app.config.ConfigFile;
import dev.atoll.app.run.Dist;
import dev.atoll.app.run.Instance;
import dev.atoll.app.run.OperatorException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

@Command(
        name = "test",
        mixinStandardHelpOptions = true,
        description = "Runs all tests of this tree: Rust, Java with real sandboxes, and the end-to-end ones with real clients.")
public final class TestCommand implements Callable<Integer> {
    private static final Path STATE = Path.of("/var/tmp/atoll-test");

    /** The parts that can be run alone. */
    enum Part {
        NATIVE,
        JAVA,
        E2E
    }

    @Option(names = "--only", paramLabel = "PART", split = ",", description = "native, java, e2e; all without this.")
    private List<Part> only = List.of(Part.values());

    @Option(names = "--pytest", paramLabel = "ARGUMENT", description = "Passed on to pytest; may be given several times.")
    private List<String> pytest = List.of();

    @Override
    public Integer call() {
        Dist dist = Dist.current();
        new Instance(config("test", "10.212.0.0/16", 0x6000_0000L), dist).buildTemplate();
        var sums = new ArrayList<String>();
        Counts all = Counts.NONE;
        for (Part part : only) {
            System.out.println("== " + part.name().toLowerCase(Locale.ROOT));
            Counts counts = counted(dist, part);
            sums.add(part.name().toLowerCase(Locale.ROOT) + " " + counts);
            all = all.plus(counts);
        }
        System.out.println();
        sums.forEach(System.out::println);
        System.out.println("atoll: " + all);
        return all.failed() == 0 && all.passed() > 0 ? 0 : 1;
    }

    /** A part that cannot run has failed, with its reason, and does not keep the others from running. */
    private Counts counted(Dist dist, Part part) {
        try {
            return switch (part) {
                case NATIVE -> cargo(dist);
                case JAVA -> maven(dist);
                case E2E -> new EndToEnd(dist, config("e2e", "10.211.0.0/16", 0x6800_0000L)).run(pytest);
            };
        } catch (OperatorException cannot) {
            System.out.println(cannot.getMessage());
            return new Counts(0, 1, 0);
        }
    }

    private static Config config(String instance, String subnet, long idBase) {
        return ConfigFile.load(Optional.of(Path.of("/dev/null")), List.of(
                "node.instance=" + instance,
                "node.state_dir=" + STATE.resolve(instance),
                "node.id_base=" + idBase,
                "node.max_sandboxes=256",
                "network.subnet=" + subnet,
                "archive.store=directory",
                "native.listen=127.0.0.1:0",
                "daytona.listen=127.0.0.1:0",
                "modal.listen=127.0.0.1:0",
                "pool.size=32GiB",
                "slots.warm=4"));
    }

    private static Counts cargo(Dist dist) {
        var counts = new Counts[] {Counts.NONE};
        int status = Runner.run(
                dist.home().resolve("native"),
                Map.of("PATH", System.getenv("PATH") + ":" + System.getProperty("user.home") + "/.cargo/bin"),
                List.of("cargo", "test", "--locked", "--no-fail-fast"),
                line -> counts[0] = counts[0].plus(Reports.cargo(line)));
        return counts[0].afterStatus(status);
    }

    private static Counts maven(Dist dist) {
        Path modules = dist.home().resolve("java");
        Reports.deleteSurefire(modules);
        endLeftovers(dist);
        Path s3 = s3Server(dist);
        requirePreviousGuest(dist);
        int status = Runner.run(
                dist.home(),
                Map.of(
                        "JAVA_HOME", dist.java().resolve("../..").normalize().toString(),
                        "ATOLL_NATIVE", dist.directory().resolve("bin").toString(),
                        "ATOLL_TEMPLATES", dist.templates().toString(),
                        "ATOLL_RUNSC", dist.runsc().toString(),
                        "ATOLL_S3_SERVER", s3.toString(),
                        "ATOLL_TEST_INSTANCE", "t",
                        "ATOLL_TEST_STATE", STATE.resolve("java").toString(),
                        "ATOLL_TEST_SUBNET", "10.213.0.0/16",
                        "ATOLL_TEST_ID_BASE", Long.toString(0x7000_0000L)),
                List.of(dist.home().resolve("tools/maven.sh").toString(), "-Dmaven.test.failure.ignore=true", "verify"),
                line -> {});
        endLeftovers(dist);
        return Reports.surefire(modules).afterStatus(status);
    }

    private static Path s3Server(Dist dist) {
        var said = new ArrayList<String>();
        int status = Runner.run(
                dist.home(),
                Map.of("ATOLL_HOME", dist.home().toString()),
                List.of(dist.home().resolve("tools/s3.sh").toString()),
                said::add);
        if (status != 0 || said.isEmpty()) {
            throw new OperatorException("the S3 server of the tests could not be built");
        }
        return Path.of(said.getLast());
    }

    /** The guest that speaks the protocol of the version before, for the test of an upgrade. */
    private static void requirePreviousGuest(Dist dist) {
        int status = Runner.run(
                dist.home().resolve("native"),
                Map.of("PATH", System.getenv("PATH") + ":" + System.getProperty("user.home") + "/.cargo/bin"),
                List.of("cargo", "build", "--locked", "-p", "atoll-guest", "--features", "previous-protocol", "--bin", "atoll-guest-previous"),
                line -> {});
        if (status != 0) {
            throw new OperatorException("the guest of the version before cannot be built");
        }
    }

    /** Nodes of a test run that was killed: their warden's configuration tells what they have in the kernel. */
    private static void endLeftovers(Dist dist) {
        Path state = STATE.resolve("java");
        if (!Files.isDirectory(state)) {
            return;
        }
        try (var nodes = Files.list(state)) {
            nodes.map(node -> node.resolve("warden.json")).filter(Files::exists).forEach(config -> Runner.run(
                    state, Map.of(), List.of(dist.warden().toString(), "--config", config.toString(), "--teardown"), line -> {}));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        Runner.run(STATE, Map.of(), List.of("rm", "-rf", "--one-file-system", state.toString()), line -> {});
    }
}
