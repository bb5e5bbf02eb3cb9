package dev.atoll.app.cli;

import dev.atoll.app.client.ApiClient;
import dev.atoll.app.client.Query;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import tools.jackson.databind.JsonNode;

@Command(name = "doctor", mixinStandardHelpOptions = true, description = "Shows what this machine can do, and what was left over; --repair removes that.")
final class DoctorCommand implements Callable<Integer> {
    @Mixin
    private final ServerOptions server = new ServerOptions();

    @Option(names = "--json", description = "Print JSON.")
    private boolean json;

    @Option(names = "--repair", description = "Remove what belongs to nothing.")
    private boolean repair;

    @Override
    public Integer call() {
        ApiClient client = server.client();
        JsonNode checks = client.get(Query.of("node", "doctor")).path("checks");
        JsonNode classes = client.get(Query.of("capabilities")).path("isolations");
        JsonNode leaks = client.post(Query.of("node", "audit"), Map.of("repair", repair)).path("leaks");
        if (json) {
            Table.json(System.out, Map.of("checks", checks, "isolations", classes, "leaks", leaks));
        } else {
            print(checks, classes, leaks);
        }
        return failed(checks) || left(leaks) ? AtollCommand.FAILED : 0;
    }

    private static boolean failed(JsonNode checks) {
        return checks.valueStream().anyMatch(check -> check.path("required").asBoolean() && !check.path("ok").asBoolean());
    }

    private static boolean left(JsonNode leaks) {
        return leaks.valueStream().anyMatch(leak -> !leak.path("repaired").asBoolean());
    }

    private static void print(JsonNode checks, JsonNode classes, JsonNode leaks) {
        var table = new Table("CHECK", "", "DETAIL");
        for (JsonNode check : checks) {
            String verdict = check.path("ok").asBoolean() ? "ok" : check.path("required").asBoolean() ? "MISSING" : "absent";
            table.row(check.path("name").asString(), verdict, check.path("detail").asString(""));
        }
        for (JsonNode one : classes) {
            boolean available = one.path("available").asBoolean();
            table.row("isolation " + one.path("isolation").asString(), available ? "ok" : "absent", one.path("reason").asString(""));
        }
        table.print(System.out);
        System.out.println(leaks.isEmpty() ? "nothing is left over" : leaks.size() + " left over:");
        for (JsonNode leak : leaks) {
            System.out.println("  " + leak.path("kind").asString() + " " + leak.path("name").asString()
                    + (leak.path("repaired").asBoolean() ? " (removed)" : ""));
        }
    }
}
