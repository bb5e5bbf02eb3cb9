package dev.atoll.app.bench;

import dev.atoll.app.client.ApiClient;
import dev.atoll.app.client.Query;
import dev.atoll.app.client.Server;
import dev.atoll.app.config.Config;
import dev.atoll.app.config.ConfigFile;
import dev.atoll.app.config.PoolConfig;
import dev.atoll.app.run.Dist;
import dev.atoll.app.run.Down;
import dev.atoll.app.run.Instance;
import dev.atoll.app.run.OperatorException;
import dev.atoll.app.run.Up;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Executors;
import java.util.function.Consumer;

/**
 * An instance of the bench's own, run as {@code up --detach} runs one, with the same options of the
 * JVM. Deleted with all it holds at the end, and before the start what a killed bench left. Methods
 * are for one thread; {@link #close} is for any.
 */
final class Lab implements AutoCloseable {
    private static final Path STATE = Path.of("/var/tmp/atoll-bench");
    /** No server runs. */
    private static final int NONE = -1;
    private static final long LOOK_EVERY_MILLIS = 50;
    private static final int LOOKS = 600;

    private final Dist dist;
    private final List<String> settings;
    private final int warmUp;
    private final Consumer<String> progress;
    private int warmSlots = NONE;
    private boolean warmed;
    private boolean closed;

    /**
     * @param settings of the operator, over the bench's own
     * @param warmUp operations after each start, see {@link Plan}
     */
    Lab(Dist dist, List<String> settings, int warmUp, Consumer<String> progress) {
        this.dist = dist;
        this.settings = settings;
        this.warmUp = warmUp;
        this.progress = progress;
        down(Down.Then.PURGE);
    }

    private Config config(int slots) {
        var all = new ArrayList<>(List.of(
                "node.instance=bench",
                "node.state_dir=" + STATE,
                "node.id_base=" + 0x6C00_0000L,
                "network.subnet=10.214.0.0/16",
                "archive.store=directory",
                "native.listen=127.0.0.1:0",
                "daytona.listen=127.0.0.1:0",
                "modal.listen=127.0.0.1:0"));
        all.addAll(settings);
        all.add("slots.warm=" + slots);
        return ConfigFile.load(Optional.of(Path.of("/dev/null")), all);
    }

    private Instance instance(int slots) {
        return new Instance(config(slots), dist);
    }

    private void down(Down.Then then) {
        new Down(instance(0), endpoint -> {}).run(then);
    }

    /** Serves with that many warm slots, warmed up; does nothing when it does already. */
    void serve(int slots) {
        if (slots != warmSlots) {
            start(slots);
        }
        if (!warmed) {
            progress.accept("warming up by " + warmUp + " operations, " + slots + " warm slots");
            try (var connection = connect()) {
                byte[] create = Sandbox.request(connection, "");
                for (int i = 0; i < warmUp; i++) {
                    Sandbox.timeToTrue(connection, create);
                }
            }
            warmed = true;
        }
    }

    /** Ends the server that runs, and starts another, which has served nothing. */
    void start(int slots) {
        end();
        prepare(slots);
        launch(slots);
    }

    /** Ends the server; its disks stay. */
    synchronized void end() {
        warmSlots = NONE;
        warmed = false;
        down(Down.Then.STOP);
    }

    /** What {@code up} does before it starts anything. */
    synchronized void prepare(int slots) {
        if (closed) {
            throw new OperatorException("the bench was interrupted");
        }
        up(slots).prepare();
    }

    /** Starts supervisor, warden and engine; returns when they serve. */
    synchronized void launch(int slots) {
        up(slots).detached();
        warmSlots = slots;
    }

    private Up up(int slots) {
        return new Up(instance(slots), dist, endpoint -> {}, System.err);
    }

    Server server() {
        return Server.of(local());
    }

    /** Where all of its faces are, and the operator's key. */
    Server.Local local() {
        return Server.local(config(0).node().instance());
    }

    ApiClient api() {
        return new ApiClient(server());
    }

    HttpConnection connect() {
        return HttpConnection.to(server());
    }

    ProcessHandle engine() {
        return instance(0).engine().orElseThrow(() -> new OperatorException("the engine does not run"));
    }

    /** A directory of the pool's own file system, where nothing of Atoll's lies. */
    Path pool() {
        Config config = config(0);
        return config.pool().kind() == PoolConfig.Kind.DIR
                ? Path.of(config.pool().dir().orElseThrow())
                : Path.of(config.node().stateDir()).resolve("pool");
    }

    /** Runs a command in a sandbox to its end. @return its standard output */
    String output(String sandbox, String... argv) {
        var answer = api().post(Query.of("sandboxes", sandbox, "exec"), Map.of("argv", List.of(argv)));
        if (answer.path("exitCode").asInt(-1) != 0) {
            throw new OperatorException(String.join(" ", argv) + " failed in a sandbox: " + answer.path("stderr").asString(""));
        }
        return answer.path("stdout").asString("");
    }

    /** Returns when no sandbox lives and all slots are warm again. */
    void settle() throws InterruptedException {
        settle(0);
    }

    /** Likewise, when that many live. */
    void settle(int living) throws InterruptedException {
        for (int i = 0; i < LOOKS; i++) {
            var health = api().get(Query.of("node")).path("health");
            if (health.path("running").asInt() == living && health.path("warmSlots").asInt() >= warmSlots) {
                return;
            }
            Thread.sleep(LOOK_EVERY_MILLIS);
        }
        throw new OperatorException("the server does not come to rest");
    }

    void deleteSandboxes() {
        if (warmSlots == NONE) {
            return;
        }
        ApiClient api = api();
        try (var threads = Executors.newFixedThreadPool(4)) {
            api.sandboxes(List.of(), Map.of()).forEach(sandbox ->
                    threads.submit(() -> api.delete(Query.of("sandboxes", sandbox.path("id").asString()))));
        }
    }

    @Override
    public synchronized void close() {
        if (!closed) {
            closed = true;
            down(Down.Then.PURGE);
        }
    }
}
