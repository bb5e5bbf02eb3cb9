package dev.atoll.app.cli;

import dev.atoll.app.config.Config;
import dev.atoll.app.config.ConfigFile;
import dev.atoll.app.run.Layout;
import dev.atoll.app.run.OperatorException;
import java.nio.file.Files;
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

    /**
     * What an instance that is up was started with, since {@code up} may have been told more than this command;
     * what {@link #load} tells of one that is not up.
     *
     * @throws OperatorException when this command was told another state directory
     */
    Config loadStarted() {
        Config named = load();
        Path written = Layout.of(named).engineConfig();
        if (!Files.exists(written)) {
            return named;
        }
        Config started = ConfigFile.load(Optional.of(written), List.of());
        boolean told = file != null || !settings.isEmpty();
        if (told && !started.node().stateDir().equals(named.node().stateDir())) {
            throw new OperatorException("instance '" + named.node().instance() + "' was started with node.state_dir "
                    + started.node().stateDir() + ", not " + named.node().stateDir());
        }
        return started;
    }
}
