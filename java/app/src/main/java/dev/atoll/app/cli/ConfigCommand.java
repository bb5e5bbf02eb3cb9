package dev.atoll.app.cli;

import dev.atoll.app.config.ConfigPrinter;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

@Command(
        name = "config",
        mixinStandardHelpOptions = true,
        description = "Prints the effective configuration, with what each key means, as a file that can be used.")
final class ConfigCommand implements Callable<Integer> {
    @Mixin
    private final ConfigOptions options = new ConfigOptions();

    @Override
    public Integer call() {
        System.out.print(ConfigPrinter.print(options.load()));
        return 0;
    }
}
