package dev.atoll.app.cli;

import dev.atoll.app.config.Config;
import dev.atoll.app.run.Dist;
import dev.atoll.app.run.Down;
import dev.atoll.app.run.Instance;
import dev.atoll.app.run.OperatorException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(
        name = "down",
        mixinStandardHelpOptions = true,
        description = "Stops sandboxes and server. Files of sandboxes are kept; the next 'up' has them again.")
final class DownCommand implements Callable<Integer> {
    @Mixin
    private final ConfigOptions options = new ConfigOptions();

    @Option(names = "--keep", description = "Leave running sandboxes running; the next 'up' takes them over.")
    private boolean keep;

    @Option(names = "--purge", description = "Delete everything: sandboxes, snapshots, templates made here, keys.")
    private boolean purge;

    @Option(names = {"-y", "--yes"}, description = "Do not ask before --purge.")
    private boolean yes;

    @Override
    public Integer call() {
        if (keep && purge) {
            throw new OperatorException("--keep and --purge exclude each other");
        }
        Config config = options.loadStarted();
        Path state = Path.of(config.node().stateDir());
        boolean found = Files.isDirectory(state);
        if (purge && !yes) {
            Confirmation.require("Delete every sandbox, snapshot and key below " + state + "?", "--yes");
        }
        Down.Then then = purge ? Down.Then.PURGE : keep ? Down.Then.KEEP : Down.Then.STOP;
        new Down(new Instance(config, Dist.current()), new SandboxStopper()).run(then);
        System.out.println(switch (then) {
            case KEEP -> "Atoll is down; sandboxes go on.";
            case STOP -> "Atoll is down.";
            case PURGE -> found
                    ? "Atoll is down, and " + state + " is deleted."
                    : "Atoll is down; there is no " + state + " to delete. If 'up' was given another node.state_dir, give it here, too.";
        });
        return 0;
    }
}
