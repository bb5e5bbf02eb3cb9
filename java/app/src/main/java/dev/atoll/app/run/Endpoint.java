package dev.atoll.app.run;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.json.JsonMapper;

/**
 * Where a running instance is reached from this machine; written by {@code up}, read by every command.
 *
 * @param nativeUrl of Atoll's own API
 * @param daytonaUrl of the Daytona face, without {@code /api}
 * @param modalUrl of the Modal face
 * @param keyFile of the operator's key
 * @param build directory of the build that runs
 */
public record Endpoint(
        String instance,
        String nativeUrl,
        String daytonaUrl,
        String modalUrl,
        String keyFile,
        String stateDir,
        String build) {
    private static final JsonMapper JSON = new JsonMapper();

    /** Empty when the instance was not started since the last reboot. */
    public static Optional<Endpoint> read(Path file) {
        try {
            return Optional.of(JSON.readValue(Files.readString(file), Endpoint.class));
        } catch (IOException absent) {
            return Optional.empty();
        } catch (JacksonException broken) {
            throw new OperatorException(file + " is not what 'atoll up' writes: " + broken.getOriginalMessage());
        }
    }

    void write(Path file) {
        AtomicFile.write(file, JSON.writerWithDefaultPrettyPrinter().writeValueAsString(this) + "\n", "rw-r--r--");
    }
}
