package dev.atoll.app.cli;

import dev.atoll.app.client.Query;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import tools.jackson.databind.JsonNode;

@Command(
        name = "reload",
        mixinStandardHelpOptions = true,
        description = "Has the server take its certificates as their files are now, which it also does by itself seconds after they changed.")
final class ReloadCommand implements Callable<Integer> {
    @Mixin
    private final ServerOptions server = new ServerOptions();

    @Override
    public Integer call() {
        @Nullable JsonNode unused = server.client().post(Query.of("node", "reload"), null);
        System.out.println("Certificates are in use as their files are now.");
        return 0;
    }
}
