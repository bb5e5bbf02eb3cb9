package dev.atoll.store;

import dev.atoll.domain.ActivityKind;
import dev.atoll.domain.Entrypoint;
import dev.atoll.domain.Isolation;
import dev.atoll.domain.LayerId;
import dev.atoll.domain.LifecycleRule;
import dev.atoll.domain.NetworkPolicy;
import dev.atoll.domain.Operation;
import dev.atoll.domain.Outcome;
import dev.atoll.domain.ProcessExit;
import dev.atoll.domain.ProcessSpec;
import dev.atoll.domain.ProjectId;
import dev.atoll.domain.Resources;
import dev.atoll.domain.Sandbox;
import dev.atoll.domain.SandboxId;
import dev.atoll.domain.SandboxState;
import dev.atoll.domain.Snapshot;
import dev.atoll.domain.SnapshotId;
import dev.atoll.domain.Template;
import dev.atoll.domain.TemplateId;
import dev.atoll.domain.VolumeId;
import dev.atoll.domain.VolumeMount;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Records with every field filled. */
final class Samples {
    static final ProjectId ALPHA = new ProjectId("alpha");
    static final ProjectId BETA = new ProjectId("beta");
    static final Instant NOON = Instant.parse("2026-11-24T12:00:00.123456789Z");

    private Samples() {}

    static String id(int number) {
        return String.format("%032x", number);
    }

    static SandboxId sandboxId(int number) {
        return new SandboxId(id(number));
    }

    static SandboxRecord sandbox(int number, String name) {
        return sandbox(number, name, ALPHA, Map.of("role", "wörker", "quote", "a\"b'c"), SandboxState.RUNNING);
    }

    static SandboxRecord sandbox(
            int number, String name, ProjectId project, Map<String, String> labels, SandboxState state) {
        Sandbox sandbox = new Sandbox(
                sandboxId(number),
                project,
                name,
                labels,
                new TemplateId(id(7)),
                "base",
                Isolation.CONTAINER,
                new Resources(1500, 512 * Resources.MIB, 3 * Resources.GIB, 0),
                Map.of("PATH", "/bin", "EMPTY", ""),
                "daytona",
                "/home/daytona",
                NetworkPolicy.NONE,
                List.of(
                        LifecycleRule.stopWhenIdle(Duration.ofMinutes(15)),
                        new LifecycleRule(
                                SandboxState.STOPPED,
                                LifecycleRule.Since.ENTERING_STATE,
                                Duration.ZERO,
                                LifecycleRule.Action.DELETE,
                                Set.of(ActivityKind.API_CALL, ActivityKind.STDIN))),
                Map.of("face", "daytona"),
                state,
                Optional.of(new Operation.UnderWay(Operation.SNAPSHOTTING, NOON.plusSeconds(5))),
                Optional.of("it broke"),
                3,
                Optional.of(sandboxId(99)),
                NOON.plusSeconds(number),
                NOON.plusSeconds(10),
                NOON.plusSeconds(20),
                Optional.of(new Entrypoint(
                        List.of("sleep", "infinity"), Optional.of(new ProcessSpec.Tty(80, 24, "xterm")), true)),
                Optional.of(new Outcome(
                        Outcome.Kind.EXITED,
                        Optional.of(new ProcessExit(137, 9, true, false, 10, 20, NOON.plusSeconds(30))),
                        "déjà vu",
                        NOON.plusSeconds(31))),
                List.of(new VolumeMount(new VolumeId(id(60)), "/data", true, "users/ö")),
                Optional.empty());
        return new SandboxRecord(
                sandbox, List.of(new LayerId(id(1)), new LayerId(id(2))), Optional.of(id(50)), Optional.empty(),
                Optional.of("c2VhbGVk"), new Counters(1, 2, 3, 4, 5, 6));
    }

    static SandboxRecord withKey(SandboxRecord record, String key) {
        return record.withIdempotencyKey(Optional.of(key));
    }

    static SandboxRecord inState(SandboxRecord record, SandboxState state) {
        Sandbox s = record.sandbox();
        return record.withSandbox(new Sandbox(
                s.id(), s.project(), s.name(), s.labels(), s.template(), s.templateName(), s.isolation(),
                s.resources(), s.env(), s.user(), s.workdir(), s.network(), s.rules(), s.attributes(), state,
                Optional.empty(), Optional.empty(), s.generation(), Optional.empty(), s.createdAt(), s.stateSince(),
                s.lastActivity(), Optional.empty(), Optional.empty(), List.of(), Optional.empty()));
    }

    static SnapshotRecord snapshot(int number, String name, Optional<Instant> expiresAt) {
        return new SnapshotRecord(
                new Snapshot(
                        new SnapshotId(id(number)),
                        ALPHA,
                        name,
                        Optional.of(sandboxId(1)),
                        new TemplateId(id(7)),
                        List.of(new LayerId(id(1))),
                        1L << 40,
                        12345,
                        Duration.ofNanos(700_001),
                        NOON.plusSeconds(number),
                        expiresAt,
                        Optional.of(new Snapshot.Memory(
                                98765, Isolation.GVISOR, 1500, 1L << 30, Map.of("NAME", "value"), "user", "/work")),
                        false),
                MakeState.READY);
    }

    static TemplateRecord template(int number, String name, Optional<ProjectId> project) {
        return new TemplateRecord(
                new Template(
                        new TemplateId(id(number)),
                        name,
                        project,
                        List.of(new LayerId(id(1)), new LayerId(id(2))),
                        new Template.Config(
                                Map.of("A", "b"), "root", "/work", List.of("/init", "-x"), List.of("sh", "-c", "true"),
                                List.of("/bin/bash", "-c"), Map.of("role", "x"), Set.of("80/tcp")),
                        77,
                        project.isEmpty(),
                        List.of("python:*"),
                        NOON),
                Optional.of(id(60)),
                MakeState.READY);
    }
}
