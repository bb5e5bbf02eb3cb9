package dev.atoll.app.run;

import tools.jackson.databind.json.JsonMapper;

/**
 * What the engine says on its standard output, in one line of JSON, when it serves.
 *
 * @param nativePort the real one when 0 was configured; likewise the others
 */
public record Ready(int nativePort, int daytonaPort, int modalPort) {
    private static final JsonMapper JSON = new JsonMapper();

    public String line() {
        return JSON.writeValueAsString(this);
    }

    static Ready parse(String line) {
        return JSON.readValue(line, Ready.class);
    }
}
