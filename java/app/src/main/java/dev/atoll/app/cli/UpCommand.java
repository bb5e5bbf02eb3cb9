package dev.atoll.app.cli;

import dev.atoll.app.config.Config;
import dev.atoll.app.run.Dist;
import dev.atoll.app.run.Endpoint;
import dev.atoll.app.run.Instance;
import dev.atoll.app.run.OperatorException;
import dev.atoll.app.run.Up;
import java.io.PrintStream;
import java.time.Duration;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(
        name = "up",
        mixinStandardHelpOptions = true,
        description = "Starts Atoll on this machine. Without --detach it stays in the foreground; Ctrl-C stops sandboxes and server.")
final class UpCommand implements Callable<Integer> {
    @Mixin
    private final ConfigOptions options = new ConfigOptions();

    @Option(names = "--detach", description = "Return when it serves; it goes on in the background.")
    private boolean detach;

    @Option(names = "--listen", paramLabel = "ADDRESS", description = "Address of this machine to listen on, for example 0.0.0.0; ports as configured.")
    private @Nullable String listen;

    @Override
    public Integer call() {
        long started = System.nanoTime();
        Config loaded = options.load();
        Config config = listen == null ? loaded : loaded.listeningOn(listen);
        Dist dist = Dist.current();
        PrintStream out = System.out;
        var instance = new Instance(config, dist);
        if (instance.systemd().isInstalled()) {
            throw new OperatorException("instance '" + config.node().instance()
                    + "' is run by systemd: 'systemctl start' its units, 'atoll install' to renew them, or 'atoll uninstall' first");
        }
        var up = new Up(instance, dist, new SandboxStopper(), out);
        Optional<Endpoint> running = up.running();
        if (running.isPresent()) {
            if (!detach) {
                throw new OperatorException("instance '" + config.node().instance() + "' is up already; 'atoll down' ends it");
            }
            out.println("Atoll is up already" + (running.get().build().equals(dist.directory().toString()) ? "." : ", from an older build: 'atoll down --keep', then 'atoll up' to renew it."));
            greet(out, running.get());
            return 0;
        }
        up.prepare();
        Runnable ready = () -> {
            var took = Duration.ofNanos(System.nanoTime() - started);
            out.printf(Locale.ROOT, "Atoll is up (%.1f s).%n", took.toMillis() / 1000.0);
            greet(out, Endpoint.read(instance.layout().endpoint()).orElseThrow());
            if (!detach) {
                out.println("Ctrl-C stops sandboxes and server; files are kept.");
            }
        };
        if (detach) {
            up.detached();
            ready.run();
        } else {
            up.foreground(ready);
        }
        return 0;
    }

    private static void greet(PrintStream out, Endpoint endpoint) {
        String instance = endpoint.instance().equals(InstanceName.orDefault(null)) ? "" : " --instance " + endpoint.instance();
        out.println("  Atoll API        " + endpoint.nativeUrl());
        out.println("  Daytona API      " + endpoint.daytonaUrl() + "/api");
        out.println("  Modal API        " + endpoint.modalUrl());
        out.println("  To use it here   eval \"$(./atoll env" + instance + ")\", then ./atoll run -- uname -a");
        out.println("  Daytona SDKs     read DAYTONA_API_URL and DAYTONA_API_KEY, which env prints");
        out.println("  Modal SDKs       read MODAL_SERVER_URL, MODAL_TOKEN_ID and MODAL_TOKEN_SECRET, likewise");
        out.println("  Hermes Agent     the same, with terminal.backend: daytona, or modal, in its config.yaml");
    }
}
