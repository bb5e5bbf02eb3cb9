package dev.atoll.app.config;

import com.fasterxml.jackson.annotation.JsonProperty;
import dev.atoll.domain.Isolation;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** The Daytona face: where it listens and what its creates get that say nothing. */
public record DaytonaFaceConfig(
        @Key("Address and port to listen on.") HostPort listen,
        @Key("How clients reach it when that differs from the address they call (a proxy, a name): http(s)://host[:port].")
        Optional<String> publicUrl,
        @Key("Template or snapshot of a create that names neither snapshot nor image.") String defaultSnapshot,
        @Key("User of sandboxes made from a snapshot or by a create that names nothing; null = the template's. It must be able to enter the template's working directory.")
        Optional<String> snapshotUser,
        @Key("Region that creates are in that name none.") String target,
        @Key("Idle time after which a sandbox is stopped, whole minutes; 0m = never.") Span autoStop,
        @Key("Time after a stop at which a sandbox is archived, whole minutes; null = never. Shown to clients; nothing is archived yet.")
        Optional<Span> autoArchive,
        @Key("Time after a stop at which a sandbox is deleted, whole minutes; null = never.") Optional<Span> autoDelete,
        @Key("What a command that ran into its timeout is answered with: exit_code_124 (200 with the output so far), or http_408 as the vendor.")
        ExecTimeout execTimeout,
        @Key("Isolation classes for its sandboxes; the first that this node has is taken: container, gvisor, microvm.")
        List<Isolation> isolationOrder) {
    static final DaytonaFaceConfig DEFAULTS = new DaytonaFaceConfig(
            new HostPort("127.0.0.1", 3000), Optional.empty(), "base", Optional.empty(), "local", Span.parse("15m"),
            Optional.empty(), Optional.empty(), ExecTimeout.EXIT_CODE_124, List.of(Isolation.CONTAINER));

    /** The styles of that answer. */
    public enum ExecTimeout {
        @JsonProperty("exit_code_124")
        EXIT_CODE_124,
        @JsonProperty("http_408")
        HTTP_408
    }

    public DaytonaFaceConfig {
        publicUrl.ifPresent(FaceConfig::check);
        isolationOrder = List.copyOf(isolationOrder);
        if (isolationOrder.isEmpty() || Set.copyOf(isolationOrder).size() < isolationOrder.size()) {
            throw new IllegalArgumentException("daytona.isolation_order needs at least one class, each once");
        }
        wholeMinutes("daytona.auto_stop", autoStop);
        autoArchive.ifPresent(span -> wholeMinutes("daytona.auto_archive", span));
        autoDelete.ifPresent(span -> wholeMinutes("daytona.auto_delete", span));
    }

    private static void wholeMinutes(String key, Span span) {
        if (span.duration().toSeconds() % 60 != 0) {
            throw new IllegalArgumentException(key + " is " + span + "; allowed: whole minutes");
        }
    }

    DaytonaFaceConfig listeningOn(String host) {
        return new DaytonaFaceConfig(
                listen.withHost(host), publicUrl, defaultSnapshot, snapshotUser, target, autoStop, autoArchive,
                autoDelete, execTimeout, isolationOrder);
    }
}
