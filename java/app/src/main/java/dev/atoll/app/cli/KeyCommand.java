package dev.atoll.app.cli;

import dev.atoll.app.client.ApiClient;
import dev.atoll.app.client.Query;
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
        name = "key",
        mixinStandardHelpOptions = true,
        description = "Keys of the API.",
        subcommands = {KeyCommand.Create.class, KeyCommand.List.class, KeyCommand.Revoke.class})
final class KeyCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Override
    public Integer call() {
        throw new ParameterException(new CommandLine(spec), "create, list or revoke?");
    }

    @Command(name = "create", mixinStandardHelpOptions = true, description = "Makes a key and prints it, this one time.")
    static final class Create implements Callable<Integer> {
        @Mixin
        private final ServerOptions server = new ServerOptions();

        @Option(names = "--project", paramLabel = "PROJECT", description = "Project of the key (default: default).")
        private @Nullable String project;

        @Parameters(arity = "0..1", paramLabel = "NAME", description = "What to call it in lists.", defaultValue = "")
        private String name = "";

        @Override
        public Integer call() {
            var request = new LinkedHashMap<String, Object>();
            request.put("name", name);
            if (project != null) {
                request.put("project", project);
            }
            JsonNode issued = server.client().post(Query.of("keys"), request);
            System.out.println(issued.path("secret").asString());
            return 0;
        }
    }

    @Command(name = "list", aliases = "ls", mixinStandardHelpOptions = true, description = "Lists keys, without their secrets.")
    static final class List implements Callable<Integer> {
        @Mixin
        private final ServerOptions server = new ServerOptions();

        @Option(names = "--json", description = "Print JSON.")
        private boolean json;

        @Override
        public Integer call() {
            JsonNode keys = server.client().get(Query.of("keys")).path("keys");
            if (json) {
                Table.json(System.out, keys);
                return 0;
            }
            var table = new Table("ID", "PROJECT", "NAME", "CREATED", "REVOKED");
            for (JsonNode key : keys) {
                table.row(
                        key.path("id").asString(),
                        key.path("project").asString(),
                        key.path("name").asString(""),
                        key.path("createdAt").asString(""),
                        key.path("revokedAt").asString(""));
            }
            table.print(System.out);
            return 0;
        }
    }

    @Command(name = "revoke", mixinStandardHelpOptions = true, description = "Ends keys at once.")
    static final class Revoke implements Callable<Integer> {
        @Mixin
        private final ServerOptions server = new ServerOptions();

        @Parameters(arity = "1..*", paramLabel = "ID", description = "Ids as 'key list' shows them.")
        private java.util.List<String> ids = java.util.List.of();

        @Override
        public Integer call() {
            ApiClient client = server.client();
            return Each.of(ids, id -> client.delete(Query.of("keys", id)));
        }
    }
}
