package dev.atoll.app.observe;

import dev.atoll.domain.ApiKey;
import dev.atoll.domain.Build;
import dev.atoll.domain.Caller;
import dev.atoll.domain.IssuedKey;
import dev.atoll.domain.ProcessId;
import dev.atoll.domain.Sandbox;
import dev.atoll.domain.SandboxId;
import dev.atoll.domain.Secret;
import dev.atoll.domain.SecretId;
import dev.atoll.domain.Snapshot;
import dev.atoll.domain.SnapshotId;
import dev.atoll.domain.Template;
import dev.atoll.domain.TemplateId;
import dev.atoll.domain.Volume;
import dev.atoll.domain.VolumeId;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * A call of one of the domain's interfaces.
 *
 * @param part which one, in lower case: {@code sandboxes}
 * @param method its method
 * @param arguments hold secrets and file contents: only what {@link #target} picks may be shown
 */
record DomainCall(String part, String method, List<Object> arguments) {
    /** What only looks, or is a small part of something that was told when it began. */
    private static final Set<String> QUIET = Set.of(
            "get", "findByName", "list", "awaitEnd", "stat", "glob", "watch", "attach", "attachTo", "await",
            "inputStatus", "input", "resize", "touch", "listening", "log", "usage", "usageByDay", "egress", "capabilities", "health", "pool",
            "doctor");

    static DomainCall of(String part, String method, Object @Nullable [] arguments) {
        return new DomainCall(
                part, method,
                arguments == null ? List.of() : Arrays.stream(arguments).filter(Objects::nonNull).toList());
    }

    String action() {
        return part + "." + method;
    }

    /** Whether it changes something, or takes data out. */
    boolean isNoteworthy() {
        return !QUIET.contains(method);
    }

    Optional<Caller> caller() {
        return arguments.stream().filter(Caller.class::isInstance).map(Caller.class::cast).findFirst();
    }

    /** Ids of what it is about: those it names, or of what it made. @param result null when it failed */
    String target(@Nullable Object result) {
        String named = arguments.stream().flatMap(argument -> id(argument).stream()).collect(Collectors.joining(" "));
        return named.isEmpty() && result != null ? id(result).orElse("") : named;
    }

    private static Optional<String> id(Object value) {
        return switch (value) {
            case SandboxId id -> Optional.of(id.value());
            case SnapshotId id -> Optional.of(id.value());
            case TemplateId id -> Optional.of(id.value());
            case SecretId id -> Optional.of(id.value());
            case VolumeId id -> Optional.of(id.value());
            case ProcessId id -> Optional.of(id.value());
            case Sandbox made -> Optional.of(made.id().value());
            case Snapshot made -> Optional.of(made.id().value());
            case Template made -> Optional.of(made.id().value());
            case Build made -> Optional.of(made.id().value());
            case Secret made -> Optional.of(made.id().value());
            case Volume made -> Optional.of(made.id().value());
            case ApiKey key -> Optional.of(key.id());
            case IssuedKey issued -> Optional.of(issued.key().id());
            case List<?> several -> Optional.of(several.stream()
                            .flatMap(one -> one instanceof Sandbox || one instanceof Snapshot ? id(one).stream() : Optional.<String>empty().stream())
                            .collect(Collectors.joining(" ")))
                    .filter(ids -> !ids.isEmpty());
            default -> Optional.empty();
        };
    }

    /** Without the arguments. */
    @Override
    public String toString() {
        return action();
    }
}
