package dev.atoll.face.daytona;

import dev.atoll.domain.Caller;
import dev.atoll.domain.CreateSandbox;
import dev.atoll.domain.InvalidFieldException;
import dev.atoll.domain.LifecycleRule;
import dev.atoll.domain.Resources;
import dev.atoll.domain.Source;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** From the vendor's CreateSandbox to ours. */
final class CreateTranslation {
    private final DaytonaConfig config;
    private final SnapshotReferences references;

    CreateTranslation(DaytonaConfig config, SnapshotReferences references) {
        this.config = config;
        this.references = references;
    }

    /** @throws InvalidFieldException naming the field */
    CreateSandbox translate(Caller caller, CreateRequest request) {
        Optional<String> dockerfile = dockerfile(request);
        Optional<String> snapshot = dockerfile.isPresent()
                ? Optional.empty()
                : Optional.of(text(request.snapshot()).orElse(config.defaultSnapshot()));
        Optional<String> asked = text(request.user());
        Map<String, String> env = TextMaps.of("env", request.env());
        Attributes attributes = new Attributes(
                snapshot, dockerfile, text(request.target()).orElse(config.target()),
                Boolean.TRUE.equals(request.isPublic()), Optional.of(env.keySet()));
        return CreateSandbox.from(source(caller, dockerfile, snapshot))
                .name(text(request.name()))
                .labels(TextMaps.of("labels", request.labels()))
                .isolationOrder(config.isolationOrder())
                .cpuMillis(Optional.ofNullable(request.cpu()).map(c -> c * 1000))
                .memoryBytes(Optional.ofNullable(request.memory()).map(m -> m * Resources.GIB))
                .diskBytes(Optional.ofNullable(request.disk()).map(d -> d * Resources.GIB))
                .env(env)
                .user(asked.isPresent() || dockerfile.isPresent() ? asked : config.snapshotUser())
                .network(request.network().policy())
                .rules(rules(request))
                .attributes(attributes.in(Map.of()))
                .build();
    }

    private Source source(Caller caller, Optional<String> dockerfile, Optional<String> snapshot) {
        return dockerfile.<Source>map(Source.OfDockerfile::new)
                .orElseGet(() -> stored(caller, snapshot.orElseThrow()));
    }

    /** The vendor's snapshot is what a sandbox starts from: a template, a snapshot of ours, or an image's alias. */
    private Source stored(Caller caller, String reference) {
        var template = references.template(caller, reference);
        if (template.isPresent()) {
            return new Source.OfTemplate(template.get().name());
        }
        return references.snapshot(caller, reference)
                .<Source>map(s -> new Source.OfSnapshot(s.id().value(), true))
                .orElseGet(() -> new Source.OfImage(reference));
    }

    private List<LifecycleRule> rules(CreateRequest request) {
        List<LifecycleRule> rules = List.of();
        rules = Interval.AUTO_STOP.replaceIn(rules, or(request.autoStopInterval(), config.autoStopMinutes()));
        rules = Interval.AUTO_DELETE.replaceIn(rules, or(request.autoDeleteInterval(), config.autoDeleteMinutes()));
        // The operator's 0 is never; a client's 0 is the vendor's longest interval.
        boolean archive = request.autoArchiveInterval() != null || config.autoArchiveMinutes() > 0;
        return archive
                ? Interval.AUTO_ARCHIVE.replaceIn(rules, or(request.autoArchiveInterval(), config.autoArchiveMinutes()))
                : rules;
    }

    private static Optional<String> dockerfile(CreateRequest request) {
        CreateRequest.BuildInfo info = request.buildInfo();
        return info == null ? Optional.empty() : text(info.dockerfileContent());
    }

    private static int or(@Nullable Integer value, int otherwise) {
        return value == null ? otherwise : value;
    }

    private static Optional<String> text(@Nullable String value) {
        return Optional.ofNullable(value).filter(v -> !v.isEmpty());
    }
}
