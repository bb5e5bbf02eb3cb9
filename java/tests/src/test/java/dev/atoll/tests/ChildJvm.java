package dev.atoll.tests;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** A JVM of its own with the classes of this one: a program that can really be killed. */
public final class ChildJvm {
    private ChildJvm() {}

    /** Its errors go where this JVM's go. */
    public static Process start(Class<?> main, ProcessBuilder.Redirect output, String... arguments) {
        return startBy(List.of(), main, output, arguments);
    }

    /** @param launcher a command that executes what follows it */
    public static Process startBy(
            List<String> launcher, Class<?> main, ProcessBuilder.Redirect output, String... arguments) {
        var command = new ArrayList<>(launcher);
        command.addAll(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx128m", "--enable-native-access=ALL-UNNAMED",
                "-cp", System.getProperty("java.class.path"),
                main.getName()));
        command.addAll(List.of(arguments));
        try {
            return new ProcessBuilder(command)
                    .redirectError(ProcessBuilder.Redirect.INHERIT)
                    .redirectOutput(output)
                    .start();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
