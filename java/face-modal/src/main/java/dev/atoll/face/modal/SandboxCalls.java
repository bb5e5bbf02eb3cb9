package dev.atoll.face.modal;

import dev.atoll.domain.Caller;
import dev.atoll.domain.ConflictException;
import dev.atoll.domain.CreateSandbox;
import dev.atoll.domain.Sandbox;
import dev.atoll.domain.SandboxId;
import dev.atoll.domain.Sandboxes;
import dev.atoll.face.modal.wire.CommandRouterAccess;
import dev.atoll.face.modal.wire.SandboxCreateRequest;
import dev.atoll.face.modal.wire.SandboxCreateResponse;
import dev.atoll.face.modal.wire.SandboxCreateV2Request;
import dev.atoll.face.modal.wire.SandboxCreateV2Response;
import dev.atoll.face.modal.wire.SandboxGetCommandRouterAccessRequest;
import dev.atoll.face.modal.wire.SandboxGetTaskIdRequest;
import dev.atoll.face.modal.wire.SandboxGetTaskIdResponse;
import dev.atoll.face.modal.wire.SandboxHandleMetadata;
import dev.atoll.face.modal.wire.SandboxTerminateRequest;
import dev.atoll.face.modal.wire.SandboxTerminateResponse;
import dev.atoll.face.modal.wire.SandboxWaitRequest;
import dev.atoll.face.modal.wire.SandboxWaitResponse;
import dev.atoll.face.modal.wire.TaskGetCommandRouterAccessRequest;
import dev.atoll.grpc.Call;
import dev.atoll.grpc.GrpcException;
import dev.atoll.grpc.Status;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Optional;

/** A sandbox from its create to its end. */
final class SandboxCalls {
    /** Clients ask again: Python's with 10 s a time. */
    private static final Duration LONGEST_WAIT = Duration.ofSeconds(60);

    private static final int LONGEST_KEY = 256;

    private final Sandboxes sandboxes;
    private final Lookup lookup;
    private final CreateTranslation translation;
    private final RouterAccess router;

    SandboxCalls(Sandboxes sandboxes, Lookup lookup, CreateTranslation translation, RouterAccess router) {
        this.sandboxes = sandboxes;
        this.lookup = lookup;
        this.translation = translation;
        this.router = router;
    }

    void addTo(Methods methods) {
        methods.control("SandboxCreate", SandboxCreateRequest.parser(), this::create)
                .control("SandboxCreateV2", SandboxCreateV2Request.parser(), this::createV2)
                .both("SandboxGetTaskId", SandboxGetTaskIdRequest.parser(), this::taskId)
                .control("TaskGetCommandRouterAccess", TaskGetCommandRouterAccessRequest.parser(), this::routerOfTask)
                .control("SandboxGetCommandRouterAccess", SandboxGetCommandRouterAccessRequest.parser(), this::routerOf)
                .both("SandboxWait", SandboxWaitRequest.parser(), this::await)
                .both("SandboxTerminate", SandboxTerminateRequest.parser(), this::terminate);
    }

    private SandboxCreateResponse create(Caller caller, SandboxCreateRequest request, Call call) {
        var definition = request.getDefinition();
        Sandbox made = create(caller, new CreateTranslation.Request(
                Dialect.V1, request.getAppId(), definition, request.getTagsList(),
                EnvSources.of(
                        definition.getSecretIdsList(), definition.getEnvironmentVariables().getContentsMap(),
                        List.of()),
                idempotencyKey(call)));
        return SandboxCreateResponse.newBuilder()
                .setSandboxId(VendorIds.sandbox(made))
                .setMetadata(metadata(made))
                .build();
    }

    private SandboxCreateV2Response createV2(Caller caller, SandboxCreateV2Request request, Call call) {
        var definition = request.getDefinition();
        var inline = new HashMap<>(definition.getEnvironmentVariables().getContentsMap());
        inline.putAll(request.getEphemeralSecrets().getContentsMap());
        Sandbox made = create(caller, new CreateTranslation.Request(
                Dialect.V2, request.getAppId(), definition, request.getTagsList(),
                EnvSources.of(definition.getSecretIdsList(), inline, request.getSecretSourcesList()),
                idempotencyKey(call)));
        return SandboxCreateV2Response.newBuilder()
                .setSandboxId(VendorIds.sandbox(made))
                .setTaskId(VendorIds.task(made))
                .setMetadata(metadata(made))
                .setCommandRouterAccess(router.open(caller, made.id(), call))
                .build();
    }

    private Sandbox create(Caller caller, CreateTranslation.Request request) {
        CreateSandbox spec = translation.translate(caller, request);
        try {
            return sandboxes.create(caller, spec);
        } catch (ConflictException e) {
            String name = request.definition().getName();
            throw name.isEmpty()
                    ? e
                    : new GrpcException(Status.ALREADY_EXISTS, "Sandbox with name '" + name + "' already exists");
        }
    }

    /** The same for all tries of one call. */
    private static Optional<String> idempotencyKey(Call call) {
        return call.metadata("x-idempotency-key").filter(key -> !key.isEmpty() && key.length() <= LONGEST_KEY);
    }

    private static SandboxHandleMetadata metadata(Sandbox sandbox) {
        return SandboxHandleMetadata.newBuilder()
                .setResult(Results.of(sandbox))
                .setAppId(sandbox.labels().getOrDefault(Labels.APP, ""))
                .build();
    }

    private SandboxGetTaskIdResponse taskId(Caller caller, SandboxGetTaskIdRequest request, Call call) {
        Sandbox sandbox = lookup.get(caller, VendorIds.sandbox(request.getSandboxId()), request.getSandboxId());
        var response = SandboxGetTaskIdResponse.newBuilder().setTaskId(VendorIds.task(sandbox));
        if (Lookup.ended(sandbox)) {
            response.setTaskResult(Results.of(sandbox));
        }
        return response.build();
    }

    private CommandRouterAccess routerOfTask(Caller caller, TaskGetCommandRouterAccessRequest request, Call call) {
        return router(caller, VendorIds.task(request.getTaskId()), request.getTaskId(), call);
    }

    private CommandRouterAccess routerOf(Caller caller, SandboxGetCommandRouterAccessRequest request, Call call) {
        return switch (request.getTargetCase()) {
            case SANDBOX_ID -> router(caller, VendorIds.sandbox(request.getSandboxId()), request.getSandboxId(), call);
            case TASK_ID -> router(caller, VendorIds.task(request.getTaskId()), request.getTaskId(), call);
            case TARGET_NOT_SET -> throw new GrpcException(Status.INVALID_ARGUMENT, "neither sandbox_id nor task_id");
        };
    }

    /** Of an ended one too: its output can still be read. */
    private CommandRouterAccess router(Caller caller, SandboxId id, String vendorId, Call call) {
        return router.open(caller, lookup.get(caller, id, vendorId).id(), call);
    }

    private SandboxWaitResponse await(Caller caller, SandboxWaitRequest request, Call call) {
        SandboxId id = VendorIds.sandbox(request.getSandboxId());
        Duration timeout = Seconds.duration(request.getTimeout(), LONGEST_WAIT);
        Sandbox sandbox = Lookup.orNotFound(request.getSandboxId(), () ->
                sandboxes.awaitEnd(caller, id, timeout).orElseGet(() -> sandboxes.get(caller, id)));
        return SandboxWaitResponse.newBuilder()
                .setResult(Results.of(sandbox))
                .setMetadata(metadata(sandbox))
                .build();
    }

    private SandboxTerminateResponse terminate(Caller caller, SandboxTerminateRequest request, Call call) {
        SandboxId id = VendorIds.sandbox(request.getSandboxId());
        Sandbox sandbox = lookup.get(caller, id, request.getSandboxId());
        if (Lookup.ended(sandbox)) {
            return SandboxTerminateResponse.newBuilder().setExistingResult(Results.of(sandbox)).build();
        }
        sandboxes.delete(caller, id);
        return SandboxTerminateResponse.getDefaultInstance();
    }
}
