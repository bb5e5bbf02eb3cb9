package dev.atoll.app.serve;

import dev.atoll.app.client.ApiClient;
import dev.atoll.app.client.ApiException;
import dev.atoll.app.client.Query;
import dev.atoll.app.client.Server;
import dev.atoll.app.config.Config;
import dev.atoll.domain.UnavailableException;
import dev.atoll.engine.Engine;
import dev.atoll.engine.KillPoints;
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
            var settings = Settings.engine(Config.DEFAULTS, Version.current(), directory.resolve("s"), directory, Optional.empty());
            Engine.start(settings, Clock.systemUTC(), random, store, warden, hub, metrics, KillPoints.NONE).close();
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
}
