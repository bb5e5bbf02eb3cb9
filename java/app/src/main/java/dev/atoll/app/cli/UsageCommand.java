package dev.atoll.app.cli;

import dev.atoll.app.client.Query;
import dev.atoll.app.config.DataSize;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import tools.jackson.databind.JsonNode;

@Command(name = "usage", mixinStandardHelpOptions = true, description = "What projects used, by day (UTC).")
final class UsageCommand implements Callable<Integer> {
    private static final double HOUR = 3600;

    @Mixin
    private final ServerOptions server = new ServerOptions();

    @Option(names = "--days", paramLabel = "N", description = "How many, today included (default: 7).", defaultValue = "7")
    private int days;

    @Option(names = "--json", description = "Print JSON.")
    private boolean json;

    @Override
    public Integer call() {
        LocalDate today = LocalDate.now(ZoneOffset.UTC);
        JsonNode found = server.client()
                .get(Query.of("usage", "days").with("from", today.minusDays(days - 1L).toString()).with("to", today.toString()))
                .path("days");
        if (json) {
            Table.json(System.out, found);
            return 0;
        }
        var table = new Table("DAY", "PROJECT", "CPU HOURS", "MEMORY GIB HOURS", "DISK GIB HOURS", "RECEIVED", "SENT");
        for (JsonNode day : found) {
            table.row(
                    day.path("day").asString(),
                    day.path("project").asString(),
                    "%.3f".formatted(day.path("cpuSeconds").asDouble() / HOUR),
                    "%.3f".formatted(gibHours(day.path("memoryByteSeconds"))),
                    "%.3f".formatted(gibHours(day.path("diskByteSeconds"))),
                    new DataSize(day.path("networkReceivedBytes").asLong()).rounded(),
                    new DataSize(day.path("networkSentBytes").asLong()).rounded());
        }
        table.print(System.out);
        return 0;
    }

    private static double gibHours(JsonNode byteSeconds) {
        return byteSeconds.asDouble() / (1L << 30) / HOUR;
    }
}
