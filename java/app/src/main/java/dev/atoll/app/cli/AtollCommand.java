package dev.atoll.app.cli;

import dev.atoll.app.bench.BenchCommand;
import dev.atoll.app.check.TestCommand;
import dev.atoll.app.client.ApiException;
import dev.atoll.app.client.UnreachableException;
import dev.atoll.app.config.ConfigException;
import dev.atoll.app.run.OperatorException;
import dev.atoll.app.serve.ServeCommand;
import dev.atoll.app.serve.TrainEngineCommand;
import dev.atoll.app.serve.Version;
import dev.atoll.domain.AtollException;
import dev.atoll.http.ListenException;
import java.io.UncheckedIOException;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;

/** {@code atoll}: the root of the command tree. */
@Command(
        name = "atoll",
        description = "A self-hosted sandbox cloud.",
        synopsisSubcommandLabel = "COMMAND",
        versionProvider = AtollCommand.VersionProvider.class,
        mixinStandardHelpOptions = true,
        subcommands = {
            UpCommand.class,
            DownCommand.class,
            EnvCommand.class,
            RunCommand.class,
            CreateCommand.class,
            LsCommand.class,
            ExecCommand.class,
            CpCommand.class,
            LogsCommand.class,
            SnapshotCommand.class,
            ForkCommand.class,
            PauseCommand.class,
            HibernateCommand.class,
            ResumeCommand.class,
            ArchiveCommand.class,
            RestoreCommand.class,
            StopCommand.class,
            StartCommand.class,
            RmCommand.class,
            EgressCommand.class,
            KeyCommand.class,
            TemplateCommand.class,
            VolumeCommand.class,
            UsageCommand.class,
            DfCommand.class,
            PruneCommand.class,
            DoctorCommand.class,
            ReloadCommand.class,
            InstallCommand.class,
            UninstallCommand.class,
            PrepareCommand.class,
            TestCommand.class,
            BenchCommand.class,
            ConfigCommand.class,
            ServeCommand.class,
            TrainEngineCommand.class,
            SuperviseCommand.class,
            TrainCliCommand.class,
            CommandLine.HelpCommand.class
        })
public final class AtollCommand {
    /** An error of the operator's or the server's making. */
    static final int FAILED = 1;

    /** Of a command in a sandbox that could not be started, as shells tell it. */
    private static final int NOT_EXECUTABLE = 126;

    private static final int NO_SUCH_COMMAND = 127;

    /** For {@code --version}. */
    static final class VersionProvider implements CommandLine.IVersionProvider {
        @Override
        public String[] getVersion() {
            return new String[] {"atoll " + Version.current()};
        }
    }

    private AtollCommand() {}

    /** @return the exit code: 0, that of the command in a sandbox (126 and 127 when it cannot be started), 1 for a failure, 2 for wrong usage */
    public static int run(String[] arguments) {
        return new CommandLine(new AtollCommand())
                .setCaseInsensitiveEnumValuesAllowed(true)
                .setStopAtPositional(false)
                .setExecutionExceptionHandler(AtollCommand::explain)
                .setParameterExceptionHandler(AtollCommand::explainUsage)
                .execute(arguments);
    }

    private static int explain(Exception failure, CommandLine command, CommandLine.ParseResult parsed) throws Exception {
        switch (failure) {
            case OperatorException e -> say(command, e.getMessage());
            case ConfigException e -> say(command, e.getMessage());
            case AtollException e -> say(command, e.getMessage());
            case ApiException e -> {
                say(command, e.getMessage());
                return exitCode(e);
            }
            case UnreachableException e -> say(command, e.getMessage());
            case ListenException e -> say(command, e.getMessage());
            case UncheckedIOException e -> say(command, e.getMessage() + ": " + e.getCause());
            default -> throw failure;
        }
        return FAILED;
    }

    private static int exitCode(ApiException refused) {
        return switch (refused.code()) {
            case "guest_no_such_command" -> NO_SUCH_COMMAND;
            case "guest_not_executable" -> NOT_EXECUTABLE;
            default -> FAILED;
        };
    }

    private static int explainUsage(CommandLine.ParameterException wrong, String[] arguments) {
        CommandLine command = wrong.getCommandLine();
        say(command, wrong.getMessage());
        if (!CommandLine.UnmatchedArgumentException.printSuggestions(wrong, command.getErr())) {
            command.getErr().println("See '" + command.getCommandSpec().qualifiedName() + " --help'.");
        }
        return command.getCommandSpec().exitCodeOnInvalidInput();
    }

    private static void say(CommandLine command, @Nullable String message) {
        command.getErr().println("atoll: " + message);
    }
}
