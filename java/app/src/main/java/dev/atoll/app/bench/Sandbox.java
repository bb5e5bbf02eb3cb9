package dev.atoll.app.bench;

import dev.atoll.app.client.ApiClient;
import dev.atoll.app.client.Query;
import dev.atoll.app.run.OperatorException;
import java.util.List;
import java.util.Map;

/** A sandbox that is measured, over a connection that stays open. */
record Sandbox(ApiClient client, String id) implements AutoCloseable {
    private static final Map<String, Object> TRUE = Map.of("argv", List.of("true"));

    static Sandbox create(ApiClient client) {
        return new Sandbox(client, client.post(Query.of("sandboxes"), Map.of()).path("id").asString());
    }

    void execTrue() {
        int code = client.post(Query.of("sandboxes", id, "exec"), TRUE).path("exitCode").asInt(-1);
        if (code != 0) {
            throw new OperatorException("'true' ended with " + code + " in sandbox " + id);
        }
    }

    @Override
    public void close() {
        client.delete(Query.of("sandboxes", id));
    }
}
