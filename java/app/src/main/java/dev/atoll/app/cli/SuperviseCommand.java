package dev.atoll.app.cli;

import dev.atoll.app.run.Dist;
import dev.atoll.app.run.Instance;
import dev.atoll.app.run.Up;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

@Command(name = "supervise", hidden = true, description = "What 'up --detach' leaves in the background.")
final class SuperviseCommand implements Callable<Integer> {
    @Mixin
    private final ConfigOptions options = new ConfigOptions();

    @Override
    public Integer call() {
        Dist dist = Dist.current();
        new Up(new Instance(options.load(), dist), dist, new SandboxStopper(), System.out).supervise();
        return 0;
    }
}
