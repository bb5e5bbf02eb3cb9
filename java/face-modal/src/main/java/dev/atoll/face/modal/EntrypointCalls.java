package dev.atoll.face.modal;

import dev.atoll.domain.Caller;
import dev.atoll.domain.Entrypoint;
import dev.atoll.domain.NotFoundException;
import dev.atoll.domain.ProcessEvent.Stream;
import dev.atoll.domain.ProcessStream;
import dev.atoll.domain.Processes;
import dev.atoll.domain.Sandbox;
import dev.atoll.domain.SandboxId;
import dev.atoll.domain.Sandboxes;
import dev.atoll.face.modal.wire.FileDescriptor;
import dev.atoll.face.modal.wire.SandboxGetLogsRequest;
import dev.atoll.face.modal.wire.SandboxStdinWriteRequest;
import dev.atoll.face.modal.wire.SandboxStdinWriteResponse;
import dev.atoll.face.modal.wire.SandboxStdinWriteV2Request;
import dev.atoll.face.modal.wire.SandboxStdinWriteV2Response;
import dev.atoll.face.modal.wire.SandboxStdioReadV2Request;
import dev.atoll.face.modal.wire.SandboxStdioReadV2Response;
import dev.atoll.face.modal.wire.SandboxWaitUntilReadyRequest;
import dev.atoll.face.modal.wire.SandboxWaitUntilReadyResponse;
import dev.atoll.face.modal.wire.TaskExecStdioReadRequest;
import dev.atoll.face.modal.wire.TaskLogs;
import dev.atoll.face.modal.wire.TaskLogsBatch;
import dev.atoll.grpc.Call;
import dev.atoll.grpc.GrpcException;
import dev.atoll.grpc.Replies;
import dev.atoll.grpc.Status;
import java.io.IOException;
import java.time.Duration;
import java.util.Optional;

/** Output and input of the process that a sandbox is for: as text by the control plane, as bytes by the router. */
final class EntrypointCalls {
    private static final Duration LOOK_FOR_LOSS_EVERY = Duration.ofSeconds(20);

    private final Sandboxes sandboxes;
    private final Processes processes;
    private final Lookup lookup;

    EntrypointCalls(Sandboxes sandboxes, Processes processes, Lookup lookup) {
        this.sandboxes = sandboxes;
        this.processes = processes;
        this.lookup = lookup;
    }

    void addTo(Methods methods) {
        methods.<SandboxGetLogsRequest, TaskLogsBatch>controlStream(
                        "SandboxGetLogs", SandboxGetLogsRequest.parser(), this::logs)
                .control("SandboxStdinWrite", SandboxStdinWriteRequest.parser(), this::write)
                .<SandboxStdioReadV2Request, SandboxStdioReadV2Response>routerStream(
                        "SandboxStdioReadV2", SandboxStdioReadV2Request.parser(), SandboxStdioReadV2Request::getTaskId,
                        this::read)
                .router(
                        "SandboxStdinWriteV2", SandboxStdinWriteV2Request.parser(),
                        SandboxStdinWriteV2Request::getTaskId, this::writeV2)
                .router(
                        "SandboxWaitUntilReady", SandboxWaitUntilReadyRequest.parser(),
                        SandboxWaitUntilReadyRequest::getTaskId, this::ready);
    }

    private void logs(Caller caller, SandboxGetLogsRequest request, Replies<TaskLogsBatch> replies, Call call)
            throws IOException {
        Sandbox sandbox = lookup.get(caller, VendorIds.sandbox(request.getSandboxId()), request.getSandboxId());
        boolean stderr = request.getFileDescriptor() == FileDescriptor.FILE_DESCRIPTOR_STDERR;
        var descriptor = stderr ? FileDescriptor.FILE_DESCRIPTOR_STDERR : FileDescriptor.FILE_DESCRIPTOR_STDOUT;
        long offset = EntryIds.offset(request.getLastEntryId());
        var text = new Text();
        follow(caller, sandbox.id(), stderr ? Stream.STDERR : Stream.STDOUT, offset, call, (at, bytes) -> {
            String data = text.next(bytes);
            if (!data.isEmpty()) {
                replies.send(batch(sandbox, descriptor, data)
                        .setEntryId(EntryIds.of(at + bytes.length - text.kept()))
                        .build());
            }
        });
        String last = text.end();
        if (!last.isEmpty()) {
            replies.send(batch(sandbox, descriptor, last).build());
        }
        replies.send(TaskLogsBatch.newBuilder().setEof(true).build());
    }

    private static TaskLogsBatch.Builder batch(Sandbox sandbox, FileDescriptor descriptor, String data) {
        return TaskLogsBatch.newBuilder()
                .setTaskId(VendorIds.task(sandbox))
                .addItems(TaskLogs.newBuilder().setData(data).setFileDescriptor(descriptor));
    }

    private void read(
            Inside inside, SandboxStdioReadV2Request request, Replies<SandboxStdioReadV2Response> replies, Call call)
            throws IOException {
        boolean stderr = request.getFileDescriptor() == TaskExecStdioReadRequest.Stream.STDERR;
        follow(inside.caller(), inside.sandbox(), stderr ? Stream.STDERR : Stream.STDOUT, request.getOffset(), call,
                (at, bytes) -> replies.send(SandboxStdioReadV2Response.newBuilder()
                        .setData(Outputs.bytes(bytes))
                        .setStartingOffset(at)
                        .build()));
    }

    /** A sandbox without an entrypoint has an output that is empty until its end. */
    private void follow(Caller caller, SandboxId id, Stream stream, long offset, Call call, Outputs.Sink sink)
            throws IOException {
        Optional<ProcessStream> output = output(caller, id, stream, offset);
        if (output.isPresent()) {
            Outputs.follow(output.get(), offset, call, sink);
            return;
        }
        while (!call.isCancelled() && sandboxes.awaitEnd(caller, id, LOOK_FOR_LOSS_EVERY).isEmpty()) {
            // Goes on while it lives and is asked for.
        }
    }

    private Optional<ProcessStream> output(Caller caller, SandboxId id, Stream stream, long offset) {
        try {
            return Optional.of(processes.attachTo(caller, id, Entrypoint.PROCESS, stream, offset, false));
        } catch (NotFoundException e) {
            if (e.kind().equals("process")) {
                return Optional.empty();
            }
            throw e;
        }
    }

    /** These writes are counted, not placed, so one that is tried again may be there twice. */
    private SandboxStdinWriteResponse write(Caller caller, SandboxStdinWriteRequest request, Call call) {
        SandboxId id = VendorIds.sandbox(request.getSandboxId());
        Inputs.write(new Inside(caller, id), processes, Entrypoint.PROCESS, Inputs.APPEND, request.getInput(), request.getEof());
        return SandboxStdinWriteResponse.getDefaultInstance();
    }

    private SandboxStdinWriteV2Response writeV2(Inside inside, SandboxStdinWriteV2Request request, Call call) {
        Inputs.write(inside, processes, Entrypoint.PROCESS, request.getOffset(), request.getData(), request.getEof());
        return SandboxStdinWriteV2Response.getDefaultInstance();
    }

    /** Without a probe a sandbox is ready as soon as it runs. */
    private SandboxWaitUntilReadyResponse ready(Inside inside, SandboxWaitUntilReadyRequest request, Call call) {
        Sandbox sandbox = lookup.get(inside.caller(), inside.sandbox(), request.getTaskId());
        if (Lookup.ended(sandbox)) {
            throw new GrpcException(Status.FAILED_PRECONDITION, "the sandbox has ended");
        }
        return SandboxWaitUntilReadyResponse.newBuilder().setReadyAt(Seconds.of(sandbox.createdAt())).build();
    }
}
