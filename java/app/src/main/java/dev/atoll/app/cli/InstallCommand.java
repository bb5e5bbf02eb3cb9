package dev.atoll.app.cli;

import dev.atoll.app.config.Config;
import dev.atoll.app.config.ConfigFile;
import dev.atoll.app.run.Dist;
import dev.atoll.app.run.Instance;
import dev.atoll.app.run.OperatorException;
import dev.atoll.app.run.Systemd;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

@Command(
        name = "install",
        mixinStandardHelpOptions = true,
        description = "Writes systemd units for engine and warden and starts them, now and at each boot. Again after an update: running sandboxes go on.")
final class InstallCommand implements Callable<Integer> {
    @Option(names = "--config", paramLabel = "FILE", description = "Configuration file that the units read (default: /etc/atoll/atoll.yaml, if it exists).")
    private @Nullable Path file;

    @Option(names = "--unit-dir", paramLabel = "DIRECTORY", description = "Only write the units, there.")
    private @Nullable Path directory;

    @Override
    public Integer call() {
        Config config = ConfigFile.load(Optional.ofNullable(file), List.of());
        Dist dist = Dist.current();
        Path read = file == null ? existingDefault() : file.toAbsolutePath().normalize();
        if (directory != null) {
            List<String> written = new Systemd(config, dist, directory).write(read);
            System.out.println("written to " + directory + ": " + String.join(", ", written));
            return 0;
        }
        var instance = new Instance(config, dist);
        if (!Systemd.runs()) {
            throw new OperatorException("this machine is not run by systemd; 'atoll up --detach' starts without it");
        }
        if (instance.supervisor().isPresent()) {
            throw new OperatorException("instance '" + config.node().instance() + "' is up by 'atoll up'; 'atoll down --keep' first, sandboxes go on");
        }
        Systemd systemd = instance.systemd();
        instance.check("atoll install", !systemd.isInstalled());
        instance.buildTemplate();
        List<String> units = systemd.write(read);
        systemd.start(units);
        System.out.println("running by systemd, now and after each boot: " + String.join(", ", units));
        return 0;
    }

    /** Units read a file at each start; where there is none everything has its default. */
    private static Path existingDefault() {
        return Files.exists(ConfigFile.DEFAULT) ? ConfigFile.DEFAULT : Path.of("/dev/null");
    }
}
