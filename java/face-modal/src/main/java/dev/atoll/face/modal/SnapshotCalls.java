package dev.atoll.face.modal;

import dev.atoll.domain.Caller;
import dev.atoll.domain.ConflictException;
import dev.atoll.domain.SandboxId;
import dev.atoll.domain.Snapshot;
import dev.atoll.domain.Snapshots;
import dev.atoll.face.modal.wire.GenericResult;
import dev.atoll.face.modal.wire.SandboxSnapshotFsRequest;
import dev.atoll.face.modal.wire.SandboxSnapshotFsResponse;
import dev.atoll.face.modal.wire.TaskReloadVolumesRequest;
import dev.atoll.face.modal.wire.TaskReloadVolumesResponse;
import dev.atoll.face.modal.wire.TaskSnapshotFilesystemRequest;
import dev.atoll.face.modal.wire.TaskSnapshotFilesystemResponse;
import dev.atoll.grpc.Call;
import java.time.Duration;
import java.util.Optional;

/** Images of a sandbox's file system as it is. */
final class SnapshotCalls {
    /** What the vendor keeps a snapshot for whose maker says nothing. */
    private static final Duration DEFAULT_KEEP = Duration.ofDays(30);

    private final Snapshots snapshots;

    SnapshotCalls(Snapshots snapshots) {
        this.snapshots = snapshots;
    }

    void addTo(Methods methods) {
        methods.control("SandboxSnapshotFs", SandboxSnapshotFsRequest.parser(), this::snapshot)
                .router(
                        "TaskSnapshotFilesystem", TaskSnapshotFilesystemRequest.parser(),
                        TaskSnapshotFilesystemRequest::getTaskId, this::snapshotOfTask)
                .router(
                        "TaskReloadVolumes", TaskReloadVolumesRequest.parser(), TaskReloadVolumesRequest::getTaskId,
                        (_, _, _) -> TaskReloadVolumesResponse.getDefaultInstance());
    }

    /** Clients that call this know of no time to live: kept until deleted. */
    private SandboxSnapshotFsResponse snapshot(Caller caller, SandboxSnapshotFsRequest request, Call call) {
        SandboxId sandbox = VendorIds.sandbox(request.getSandboxId());
        Snapshot made = once(caller, sandbox, call.metadata("x-idempotency-key").orElse(""), Optional.empty());
        return SandboxSnapshotFsResponse.newBuilder()
                .setImageId(VendorIds.image(made.id().value()))
                .setResult(GenericResult.newBuilder().setStatus(GenericResult.Status.SUCCESS))
                .build();
    }

    private TaskSnapshotFilesystemResponse snapshotOfTask(Inside inside, TaskSnapshotFilesystemRequest request, Call call) {
        NotOffered.unless(request.getContainerId().isEmpty(), "sidecar containers");
        Optional<Duration> keep = !request.hasTtlSeconds()
                ? Optional.of(DEFAULT_KEEP)
                : Optional.of(request.getTtlSeconds()).filter(ttl -> ttl >= 0).map(Duration::ofSeconds);
        Snapshot made = once(inside.caller(), inside.sandbox(), request.getSnapshotId(), keep);
        return TaskSnapshotFilesystemResponse.newBuilder().setImageId(VendorIds.image(made.id().value())).build();
    }

    /** @param key the same for all tries of one call, from which the snapshot's name follows; empty for none */
    private Snapshot once(Caller caller, SandboxId sandbox, String key, Optional<Duration> keep) {
        if (key.isEmpty()) {
            return snapshots.create(caller, sandbox, Optional.empty(), keep);
        }
        String name = "modal-" + VendorIds.derived("snapshot", sandbox.value(), key);
        try {
            return snapshots.create(caller, sandbox, Optional.of(name), keep);
        } catch (ConflictException again) {
            return snapshots.get(caller, name);
        }
    }
}
