package dev.atoll.app.cli;

import dev.atoll.app.config.Config;
import dev.atoll.app.run.Dist;
import dev.atoll.app.run.Down;
import dev.atoll.app.run.Instance;
import dev.atoll.app.run.OperatorException;
import dev.atoll.app.run.Systemd;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(
        name = "uninstall",
        mixinStandardHelpOptions = true,
        description = "Stops sandboxes and server and removes the systemd units. Files of sandboxes are kept.")
final class UninstallCommand implements Callable<Integer> {
    @Mixin
    private final ConfigOptions options = new ConfigOptions();

    @Option(names = "--keep", description = "Leave running sandboxes running; the next 'up' takes them over.")
    private boolean keep;

    @Override
    public Integer call() {
        Config config = options.loadStarted();
        var instance = new Instance(config, Dist.current());
        Systemd systemd = instance.systemd();
        if (!systemd.isInstalled()) {
            throw new OperatorException("instance '" + config.node().instance() + "' has no units in " + Systemd.UNITS);
        }
        new Down(instance, new SandboxStopper()).run(keep ? Down.Then.KEEP : Down.Then.STOP);
        systemd.remove();
        System.out.println("removed; 'atoll down --purge' deletes what is left of instance '" + config.node().instance() + "'");
        return 0;
    }
}
