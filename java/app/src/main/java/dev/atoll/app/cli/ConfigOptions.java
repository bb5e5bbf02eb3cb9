package dev.atoll.app.cli;

import dev.atoll.app.config.Config;
import dev.atoll.app.config.ConfigFile;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Which configuration a command works with. */
final class ConfigOptions {
    @Option(names = "--config", paramLabel = "FILE", description = "Configuration file (default: /etc/atoll/atoll.yaml if it exists).")
    @Nullable Path file;

    @Option(names = "--set", paramLabel = "SECTION.KEY=VALUE", description = "Overrides a key of the file; may be given several times.")
    List<String> settings = List.of();

    @Option(names = "--instance", paramLabel = "NAME", description = "Same as --set node.instance=NAME (or ATOLL_INSTANCE).")
    @Nullable String instance;

    Config load() {
        var all = new ArrayList<>(settings);
        InstanceName.given(instance).ifPresent(name -> all.add("node.instance=" + name));
        return ConfigFile.load(Optional.ofNullable(file), all);
    }
}
