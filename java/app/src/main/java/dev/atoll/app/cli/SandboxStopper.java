package dev.atoll.app.cli;

import dev.atoll.app.client.ApiClient;
import dev.atoll.app.client.ApiException;
import dev.atoll.app.client.Query;
import dev.atoll.app.client.Server;
import dev.atoll.app.client.UnreachableException;
import dev.atoll.app.run.Endpoint;
import dev.atoll.app.run.Up;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executors;
import tools.jackson.databind.JsonNode;

/** Stops the sandboxes of an instance that is about to end, several at a time. */
final class SandboxStopper implements Up.Sandboxes {
    private static final int AT_ONCE = 16;

    @Override
    public void stopAll(Endpoint endpoint) {
        var client = new ApiClient(Server.of(new Server.Local(endpoint, Server.key(endpoint))));
        try (var threads = Executors.newFixedThreadPool(AT_ONCE, Thread.ofVirtual().factory())) {
            client.sandboxes(List.of("running", "paused"), Map.of()).forEach(sandbox -> threads.submit(() -> stop(client, sandbox)));
        } catch (UnreachableException | ApiException e) {
            System.err.println("atoll: sandboxes were not stopped one by one: " + e.getMessage());
        }
    }

    private static void stop(ApiClient client, JsonNode sandbox) {
        String id = sandbox.path("id").asString();
        try {
            client.post(Query.of("sandboxes", id, "stop"), null);
        } catch (ApiException | UnreachableException e) {
            System.err.println("atoll: " + id + ": " + e.getMessage());
        }
    }
}
