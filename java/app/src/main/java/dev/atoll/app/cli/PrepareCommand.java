package dev.atoll.app.cli;

import dev.atoll.app.run.Dist;
import dev.atoll.app.run.Instance;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

@Command(name = "prepare", hidden = true, description = "What a unit does before the warden starts: user, directories, key and the files that the programs read.")
final class PrepareCommand implements Callable<Integer> {
    @Mixin
    private final ConfigOptions options = new ConfigOptions();

    @Override
    public Integer call() {
        new Instance(options.load(), Dist.current()).prepareForUnits();
        return 0;
    }
}
