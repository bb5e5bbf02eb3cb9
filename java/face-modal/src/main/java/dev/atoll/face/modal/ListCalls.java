package dev.atoll.face.modal;

import com.google.protobuf.Empty;
import dev.atoll.domain.Caller;
import dev.atoll.domain.LifecycleRule;
import dev.atoll.domain.Page;
import dev.atoll.domain.Sandbox;
import dev.atoll.domain.SandboxChange;
import dev.atoll.domain.SandboxQuery;
import dev.atoll.domain.Sandboxes;
import dev.atoll.face.modal.wire.SandboxGetFromNameRequest;
import dev.atoll.face.modal.wire.SandboxGetFromNameResponse;
import dev.atoll.face.modal.wire.SandboxHandleMetadata;
import dev.atoll.face.modal.wire.SandboxInfo;
import dev.atoll.face.modal.wire.SandboxListRequest;
import dev.atoll.face.modal.wire.SandboxListResponse;
import dev.atoll.face.modal.wire.SandboxTagsGetRequest;
import dev.atoll.face.modal.wire.SandboxTagsGetResponse;
import dev.atoll.face.modal.wire.SandboxTagsSetRequest;
import dev.atoll.face.modal.wire.TaskInfo;
import dev.atoll.grpc.Call;
import dev.atoll.grpc.GrpcException;
import dev.atoll.grpc.Status;
import java.time.Instant;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Sandboxes by app, tags and name. */
final class ListCalls {
    private static final int PAGE = 100;

    private final Sandboxes sandboxes;
    private final Lookup lookup;

    ListCalls(Sandboxes sandboxes, Lookup lookup) {
        this.sandboxes = sandboxes;
        this.lookup = lookup;
    }

    void addTo(Methods methods) {
        methods.both("SandboxList", SandboxListRequest.parser(), this::list)
                .both("SandboxGetFromName", SandboxGetFromNameRequest.parser(), this::fromName)
                .both("SandboxTagsGet", SandboxTagsGetRequest.parser(), this::tags)
                .both("SandboxTagsSet", SandboxTagsSetRequest.parser(), this::setTags);
    }

    /** One page; clients ask for the next by the last one's creation, until a page is empty. */
    private SandboxListResponse list(Caller caller, SandboxListRequest request, Call call) {
        Map<String, String> labels = new HashMap<>(Labels.asLabels(request.getTagsList()));
        if (!request.getAppId().isEmpty()) {
            labels.put(Labels.APP, request.getAppId());
        } else if (!request.getEnvironmentName().isEmpty()) {
            labels.put(Labels.ENVIRONMENT, VendorIds.environmentPart(request.getEnvironmentName()));
        }
        Optional<Instant> before = request.getBeforeTimestamp() > 0
                ? Optional.of(Seconds.instant(request.getBeforeTimestamp()))
                : Optional.empty();
        Page<Sandbox> page = sandboxes.list(caller, new SandboxQuery(
                labels, Set.of(), Optional.empty(), before, request.getIncludeFinished(), PAGE, Optional.empty()));
        var response = SandboxListResponse.newBuilder();
        page.items().forEach(sandbox -> response.addSandboxes(info(sandbox)));
        return response.build();
    }

    private static SandboxInfo info(Sandbox sandbox) {
        Attributes attributes = Attributes.of(sandbox);
        var task = TaskInfo.newBuilder()
                .setId(VendorIds.task(sandbox))
                .setStartedAt(Seconds.of(sandbox.createdAt()))
                .setResult(Results.of(sandbox));
        sandbox.outcome().ifPresent(outcome -> task.setFinishedAt(Seconds.of(outcome.endedAt())));
        String app = sandbox.labels().getOrDefault(Labels.APP, "");
        var info = SandboxInfo.newBuilder()
                .setId(VendorIds.sandbox(sandbox))
                .setCreatedAt(Seconds.of(sandbox.createdAt()))
                .setTaskInfo(task)
                .setAppId(app)
                .addAllTags(Labels.tags(sandbox.labels()))
                .setName(attributes.name())
                .setImageId(attributes.image())
                .setMetadata(SandboxHandleMetadata.newBuilder()
                        .setResult(Results.of(sandbox))
                        .setAppId(app));
        for (LifecycleRule rule : sandbox.rules()) {
            int seconds = (int) Math.min(rule.after().toSeconds(), Integer.MAX_VALUE);
            switch (rule.since()) {
                case CREATION -> info.setTimeoutSecs(seconds);
                case LAST_ACTIVITY -> info.setIdleTimeoutSecs(seconds);
                case ENTERING_STATE -> {
                    // The vendor has no such rule.
                }
            }
        }
        return info.build();
    }

    private SandboxGetFromNameResponse fromName(Caller caller, SandboxGetFromNameRequest request, Call call) {
        String app = VendorIds.app(Environments.named(request.getEnvironmentName()), request.getAppName());
        String name = SandboxNames.of(request.getSandboxName(), app);
        Sandbox sandbox = sandboxes.findByName(caller, name)
                .or(() -> request.getIncludeTerminated() ? lastOf(caller, name) : Optional.empty())
                .orElseThrow(() -> new GrpcException(
                        Status.NOT_FOUND, "Sandbox with name '" + request.getSandboxName() + "' not found"));
        return SandboxGetFromNameResponse.newBuilder()
                .setSandboxId(VendorIds.sandbox(sandbox))
                .setMetadata(SandboxHandleMetadata.newBuilder()
                        .setResult(Results.of(sandbox))
                        .setAppId(app))
                .build();
    }

    /** The newest of those that had this name. */
    private Optional<Sandbox> lastOf(Caller caller, String name) {
        return sandboxes
                .list(caller, new SandboxQuery(
                        Map.of(), Set.of(), Optional.of(name), Optional.empty(), true, 1, Optional.empty()))
                .items()
                .stream()
                .findFirst();
    }

    private SandboxTagsGetResponse tags(Caller caller, SandboxTagsGetRequest request, Call call) {
        Sandbox sandbox = lookup.get(caller, VendorIds.sandbox(request.getSandboxId()), request.getSandboxId());
        return SandboxTagsGetResponse.newBuilder().addAllTags(Labels.tags(sandbox.labels())).build();
    }

    private Empty setTags(Caller caller, SandboxTagsSetRequest request, Call call) {
        Sandbox sandbox = lookup.get(caller, VendorIds.sandbox(request.getSandboxId()), request.getSandboxId());
        sandboxes.update(
                caller,
                sandbox.id(),
                SandboxChange.NOTHING.withLabels(Labels.withTags(sandbox.labels(), request.getTagsList())));
        return Empty.getDefaultInstance();
    }
}
