package dev.atoll.app.cli;

import dev.atoll.app.client.ApiClient;
import dev.atoll.app.client.Query;
import dev.atoll.app.run.OperatorException;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.JsonNode;

@Command(
        name = "egress",
        mixinStandardHelpOptions = true,
        description = "Shows what a sandbox may reach and what it was denied; with --set or a list, changes the first while it runs.")
final class EgressCommand implements Callable<Integer> {
    private enum Whole {
        all,
        none
    }

    @Mixin
    private final ServerOptions server = new ServerOptions();

    @Option(names = "--set", paramLabel = "all|none", description = "Everything public, or nothing; instead of lists.")
    private @Nullable Whole whole;

    @Mixin
    private NetworkOptions network = new NetworkOptions();

    @Option(names = "--json", description = "Print JSON.")
    private boolean json;

    @Parameters(paramLabel = "SANDBOX", description = "Name or id.")
    private String sandbox = "";

    @Override
    public Integer call() {
        ApiClient client = server.client();
        Optional<Map<String, Object>> lists = network.request();
        if (whole != null && lists.isPresent()) {
            throw new OperatorException("--set is for all or nothing: leave out --allow, --deny and --domain");
        }
        Optional<Map<String, Object>> wanted = whole == null ? lists : Optional.of(Map.of("egress", whole.name()));
        wanted.ifPresent(policy -> client.put(Query.of("sandboxes", sandbox, "network"), policy));
        JsonNode egress = client.get(Query.of("sandboxes", sandbox, "egress"));
        if (json) {
            Table.json(System.out, egress);
            return 0;
        }
        print(egress.path("network"));
        if (wanted.isEmpty()) {
            printDenials(egress.path("denials"));
        }
        return 0;
    }

    private static void print(JsonNode policy) {
        System.out.println("egress  " + policy.path("egress").asString());
        for (String list : new String[] {"allow", "domains", "deny"}) {
            policy.path(list).forEach(entry -> System.out.println("%-7s %s".formatted(list, entry.asString())));
        }
    }

    private static void printDenials(JsonNode denials) {
        if (denials.isEmpty()) {
            return;
        }
        System.out.println();
        var table = new Table("LAST", "COUNT", "PROTOCOL", "ADDRESS", "PORT", "NAME", "REASON");
        for (JsonNode denial : denials) {
            table.row(
                    denial.path("last").asString().replaceFirst("\\.\\d+", ""),
                    denial.path("count").asString(),
                    denial.path("protocol").asString(),
                    denial.path("address").asString(""),
                    denial.path("port").asString(""),
                    denial.path("name").asString(""),
                    denial.path("reason").asString());
        }
        table.print(System.out);
    }
}
