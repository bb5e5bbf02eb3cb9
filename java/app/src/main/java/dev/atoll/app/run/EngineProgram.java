package dev.atoll.app.run;

import dev.atoll.app.config.Config;
import dev.atoll.app.config.ConfigFile;
import dev.atoll.app.config.HostPort;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import tools.jackson.core.JacksonException;

/** The unprivileged program. It says on its standard output, in one line, where it serves. */
final class EngineProgram extends Program {
    private static final int CONNECT_MILLIS = 2000;

    private final Dist dist;
    private final Layout layout;
    private final EngineUser user;

    EngineProgram(Dist dist, Layout layout, EngineUser user) {
        super("engine", layout.enginePid(), layout.engineLog());
        this.dist = dist;
        this.layout = layout;
        this.user = user;
    }

    @Override
    Optional<ProcessHandle> running() {
        return alive().filter(process -> Endpoint.read(layout.endpoint()).filter(EngineProgram::accepts).isPresent());
    }

    private static boolean accepts(Endpoint endpoint) {
        URI url = URI.create(endpoint.nativeUrl());
        try (var socket = new Socket()) {
            socket.connect(new InetSocketAddress(url.getHost().replaceAll("[\\[\\]]", ""), url.getPort()), CONNECT_MILLIS);
            return true;
        } catch (IOException refused) {
            return false;
        }
    }

    @Override
    ProcessHandle start() {
        var command = new ArrayList<>(List.of(
                "setsid", "setpriv", "--reuid", Integer.toString(user.uid()), "--regid", Integer.toString(user.gid()),
                "--clear-groups", "--inh-caps=-all", "--bounding-set=-all", "--no-new-privs", "--"));
        command.addAll(dist.command(
                "engine",
                List.of("-Djava.io.tmpdir=" + layout.engineDir().resolve("tmp")),
                List.of("serve", "--config", layout.engineConfig().toString())));
        Process process = launch(command, ProcessBuilder.Redirect.PIPE);
        Ready ready = await(process);
        endpointOf(ready).write(layout.endpoint());
        return process.toHandle();
    }

    private Ready await(Process process) {
        try (var lines = new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
            String line = lines.readLine();
            if (line != null) {
                return Ready.parse(line);
            }
            throw failed("ended with status " + process.waitFor());
        } catch (IOException | JacksonException e) {
            process.destroyForcibly();
            throw failed("did not say where it serves (" + e.getMessage() + ")");
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw failed("start was interrupted");
        }
    }

    private Endpoint endpointOf(Ready ready) {
        return endpointOf(ConfigFile.load(Optional.of(layout.engineConfig()), List.of()), layout, dist, ready);
    }

    static Endpoint endpointOf(Config config, Layout layout, Dist dist, Ready ready) {
        return new Endpoint(
                layout.instance(),
                localUrl(config.nativeFace().listen(), ready.nativePort()),
                localUrl(config.daytona().listen(), ready.daytonaPort()),
                localUrl(config.modal().listen(), ready.modalPort()),
                layout.operatorKey().toString(),
                layout.stateDir().toString(),
                dist.directory().toString());
    }

    private static String localUrl(HostPort listen, int port) {
        return new HostPort(listen.host(), port).localUrl();
    }

    @Override
    Duration grace() {
        return Duration.ofSeconds(30);
    }
}
