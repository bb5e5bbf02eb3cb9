package dev.atoll.app.serve;

import dev.atoll.app.client.ApiClient;
import dev.atoll.app.client.ApiException;
import dev.atoll.app.client.Query;
import dev.atoll.app.client.Server;
import dev.atoll.app.config.Config;
import dev.atoll.domain.Builds;
import dev.atoll.domain.Keys;
import dev.atoll.domain.Processes;
import dev.atoll.domain.Sandboxes;
import dev.atoll.domain.Secrets;
import dev.atoll.domain.Snapshots;
import dev.atoll.domain.Templates;
import dev.atoll.domain.UnavailableException;
import dev.atoll.engine.Engine;
import dev.atoll.engine.KillPoints;
import dev.atoll.face.modal.ModalFace;
import dev.atoll.face.nativeapi.NativeApi;
import dev.atoll.guest.GuestHub;
import dev.atoll.http.HttpListener;
import dev.atoll.http.ListenerConfig;
import dev.atoll.http.Response;
import dev.atoll.http.Router;
import dev.atoll.store.SqliteStore;
import dev.atoll.warden.Warden;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.reflect.Proxy;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Clock;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/**
 * Goes the way of a start as far as it leads without a warden, so that the AOT cache of the engine
 * holds the libraries that a start spends its time in: the database, the metrics, the HTTP server.
 */
@Command(name = "train-engine", hidden = true, description = "Run by the build.")
public final class TrainEngineCommand implements Callable<Integer> {
    private static final int TOKEN_KEY_BYTES = 32;
    /** Of gRPC: the prefix alone. */
    private static final int EMPTY_MESSAGE = 5;

    @Parameters(paramLabel = "DIRECTORY")
    private Path directory = Path.of("");

    @Override
    public Integer call() {
        var random = new SecureRandom();
        var metrics = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
        try (var store = SqliteStore.open(directory.resolve("atoll.db"));
                var warden = Warden.at(directory.resolve("warden.sock"));
                var hub = new GuestHub()) {
            serveOnce(random);
            serveModalOnce(random);
            var settings = Settings.engine(Config.DEFAULTS, Version.current(), directory.resolve("s"), directory, Optional.empty());
            Engine.start(settings, Clock.systemUTC(), random, store, warden, hub, metrics, KillPoints.NONE, Optional.empty())
                    .close();
            return 1;
        } catch (UnavailableException noWarden) {
            return 0;
        } finally {
            metrics.scrape();
            metrics.close();
        }
    }

    private static void serveOnce(SecureRandom random) {
        Router router = Router.builder()
                .get("/v1/sandboxes", request -> Response.json(Config.DEFAULTS.node()))
                .build();
        try (var listener = HttpListener.start(ListenerConfig.on("127.0.0.1", 0), router, NativeApi.errors(), random)) {
            var client = new ApiClient(new Server("http://127.0.0.1:" + listener.port(), "none"));
            client.get(Query.of("sandboxes"));
            client.get(Query.of("nothing"));
        } catch (ApiException notFound) {
            // That was the point: errors are mapped too.
        }
    }

    /** A call of the Modal face with nothing behind it: its table of methods takes the longest of all to make. */
    private static void serveModalOnce(SecureRandom random) {
        var domain = new ModalFace.Domain(
                absent(Sandboxes.class), absent(Processes.class), absent(Snapshots.class), absent(Templates.class),
                absent(Builds.class), absent(Secrets.class), absent(Keys.class));
        var face = ModalFace.of(Settings.modal(Config.DEFAULTS), domain, new byte[TOKEN_KEY_BYTES], Clock.systemUTC());
        try (var listener = HttpListener.start(ListenerConfig.on("127.0.0.1", 0), face.handler(), face.errors(), random);
                var client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_2).build()) {
            var call = URI.create("http://127.0.0.1:" + listener.port() + "/modal.client.ModalClient/ClientHello");
            client.send(
                    HttpRequest.newBuilder(call)
                            .header("Content-Type", "application/grpc")
                            .POST(HttpRequest.BodyPublishers.ofByteArray(new byte[EMPTY_MESSAGE]))
                            .build(),
                    HttpResponse.BodyHandlers.discarding());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static <T> T absent(Class<T> part) {
        Object proxy = Proxy.newProxyInstance(part.getClassLoader(), new Class<?>[] {part}, (_, method, _) -> {
            throw new UnavailableException(method.getName() + ": there is no engine in a training");
        });
        return part.cast(proxy);
    }
}
