package dev.atoll.tests.images;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Comparator;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.awaitility.Awaitility;

/** Debian's registry, a process of the test's own on a port of its own. */
final class RegistryProcess implements AutoCloseable {
    private static final Pattern LISTENING = Pattern.compile("listening on 127\\.0\\.0\\.1:(\\d+)");
    private static final Duration START = Duration.ofSeconds(30);
    /** {@code user:secret}, made by htpasswd -B. */
    private static final String HTPASSWD = "user:$2b$05$en2boTjhz4P3nN32V/krYephxgpUScRutzDqFMrUpR5IQB2N/caIS\n";

    static final String USER = "user";
    static final String PASSWORD = "secret";

    private final Path directory;
    private final Process process;
    private final int port;

    private RegistryProcess(Path directory, Process process) {
        this.directory = directory;
        this.process = process;
        this.port = Awaitility.await().atMost(START).until(this::portInLog, Optional::isPresent).orElseThrow();
    }

    static RegistryProcess start() {
        return start("");
    }

    /** One that wants {@link #USER} and {@link #PASSWORD}. */
    static RegistryProcess startClosed() {
        return start("auth: {htpasswd: {realm: test, path: %s}}\n");
    }

    private static RegistryProcess start(String auth) {
        try {
            Path directory = Files.createTempDirectory("atoll-registry");
            Path passwords = directory.resolve("passwords");
            Files.writeString(passwords, HTPASSWD);
            Path config = directory.resolve("config.yml");
            Files.writeString(config, """
                    version: 0.1
                    log: {level: info}
                    storage: {filesystem: {rootdirectory: %s}, delete: {enabled: true}}
                    http: {addr: "127.0.0.1:0"}
                    """.formatted(directory.resolve("data")) + auth.formatted(passwords));
            Process process = new ProcessBuilder(
                            DebianPackage.file("docker-registry", "usr/bin/docker-registry").toString(), "serve", config.toString())
                    .redirectErrorStream(true)
                    .redirectOutput(directory.resolve("log").toFile())
                    .start();
            return new RegistryProcess(directory, process);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private Optional<Integer> portInLog() throws IOException {
        Matcher matcher = LISTENING.matcher(Files.readString(directory.resolve("log")));
        return matcher.find() ? Optional.of(Integer.valueOf(matcher.group(1))) : Optional.empty();
    }

    /** As references name it. */
    String host() {
        return "127.0.0.1:" + port;
    }

    @Override
    public void close() {
        process.destroy();
        try {
            if (!process.waitFor(10, TimeUnit.SECONDS)) {
                process.destroyForcibly();
            }
            try (Stream<Path> below = Files.walk(directory)) {
                for (Path path : below.sorted(Comparator.reverseOrder()).toList()) {
                    Files.delete(path);
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
