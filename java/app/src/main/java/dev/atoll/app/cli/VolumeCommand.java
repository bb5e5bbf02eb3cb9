package dev.atoll.app.cli;

import dev.atoll.app.client.ApiClient;
import dev.atoll.app.client.Query;
import dev.atoll.app.config.DataSize;
import java.util.LinkedHashMap;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import tools.jackson.databind.JsonNode;

@Command(
        name = "volume",
        mixinStandardHelpOptions = true,
        description = "File systems that sandboxes share and that outlive them.",
        subcommands = {VolumeCommand.Create.class, VolumeCommand.List.class, VolumeCommand.Remove.class})
final class VolumeCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Override
    public Integer call() {
        throw new ParameterException(new CommandLine(spec), "create, ls or rm?");
    }

    @Command(name = "create", mixinStandardHelpOptions = true, description = "Makes a volume and prints its id.")
    static final class Create implements Callable<Integer> {
        @Mixin
        private final ServerOptions server = new ServerOptions();

        @Option(names = "--size", paramLabel = "SIZE", description = "What it holds at most, for example 20GiB (default: 10GiB).", converter = SizeConverter.class)
        private @Nullable DataSize size;

        @Parameters(paramLabel = "NAME", description = "What it is called.")
        private String name = "";

        @Override
        public Integer call() {
            var request = new LinkedHashMap<String, Object>();
            request.put("name", name);
            if (size != null) {
                request.put("sizeBytes", size.bytes());
            }
            System.out.println(server.client().post(Query.of("volumes"), request).path("id").asString());
            return 0;
        }
    }

    @Command(name = "ls", aliases = "list", mixinStandardHelpOptions = true, description = "Lists volumes.")
    static final class List implements Callable<Integer> {
        @Mixin
        private final ServerOptions server = new ServerOptions();

        @Option(names = "--json", description = "Print JSON.")
        private boolean json;

        @Override
        public Integer call() {
            JsonNode volumes = server.client().get(Query.of("volumes")).path("volumes");
            if (json) {
                Table.json(System.out, volumes);
                return 0;
            }
            var table = new Table("ID", "NAME", "SIZE", "USED", "CREATED");
            for (JsonNode volume : volumes) {
                table.row(
                        volume.path("id").asString(),
                        volume.path("name").asString(),
                        new DataSize(volume.path("sizeBytes").asLong()).rounded(),
                        new DataSize(volume.path("usedBytes").asLong()).rounded(),
                        volume.path("createdAt").asString());
            }
            table.print(System.out);
            return 0;
        }
    }

    @Command(name = "rm", mixinStandardHelpOptions = true, description = "Deletes volumes that no sandbox has.")
    static final class Remove implements Callable<Integer> {
        @Mixin
        private final ServerOptions server = new ServerOptions();

        @Parameters(arity = "1..*", paramLabel = "VOLUME", description = "Names or ids.")
        private java.util.List<String> volumes = java.util.List.of();

        @Override
        public Integer call() {
            ApiClient client = server.client();
            return Each.of(volumes, volume -> client.delete(Query.of("volumes", volume)));
        }
    }
}
