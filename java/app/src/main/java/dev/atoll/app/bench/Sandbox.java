package dev.atoll.app.bench;

import dev.atoll.app.client.Query;
import dev.atoll.app.run.OperatorException;

/** A sandbox that is measured. What runs {@code true} was made before the clock starts, where it can be. */
final class Sandbox {
    private static final String TRUE = "{\"argv\":[\"true\"]}";

    private final HttpConnection connection;
    private final String id;
    private final byte[] execTrue;

    private Sandbox(HttpConnection connection, String id) {
        this.connection = connection;
        this.id = id;
        execTrue = connection.request("POST", Query.of("sandboxes", id, "exec"), TRUE);
    }

    /** @param request of a create, made by {@link #request} */
    static Sandbox create(HttpConnection connection, byte[] request) {
        return new Sandbox(connection, id(connection.exchange(request)));
    }

    /** @param json of the request's body */
    static byte[] request(HttpConnection connection, String json) {
        return connection.request("POST", Query.of("sandboxes"), json);
    }

    /** The first field of that name in an answer; a JSON parser would cost as much as a hop between two processes. */
    static String id(String answer) {
        String before = "\"id\":\"";
        int start = answer.indexOf(before);
        int end = answer.indexOf('"', start + before.length());
        if (start < 0 || end < 0) {
            throw new OperatorException("the server answered without an id: " + answer);
        }
        return answer.substring(start + before.length(), end);
    }

    String id() {
        return id;
    }

    /** @throws OperatorException when it ends otherwise than with 0 */
    void execTrue() {
        String answer = connection.exchange(execTrue);
        if (!answer.contains("\"exitCode\":0,")) {
            throw new OperatorException("'true' ended otherwise in sandbox " + id + ": " + answer);
        }
    }

    /** @return nanoseconds that {@link #execTrue} took */
    long timeTrue() {
        long start = System.nanoTime();
        execTrue();
        return System.nanoTime() - start;
    }

    void delete() {
        connection.exchange(connection.request("DELETE", Query.of("sandboxes", id), ""));
    }

    /** Creates one, runs {@code true}, and deletes it after the clock was read. @return nanoseconds */
    static long timeToTrue(HttpConnection connection, byte[] request) {
        long start = System.nanoTime();
        Sandbox sandbox = create(connection, request);
        sandbox.execTrue();
        long took = System.nanoTime() - start;
        sandbox.delete();
        return took;
    }
}
