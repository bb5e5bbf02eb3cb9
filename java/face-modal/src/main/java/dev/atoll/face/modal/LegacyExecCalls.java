package dev.atoll.face.modal;

import com.google.protobuf.Empty;
import dev.atoll.domain.Caller;
import dev.atoll.domain.ProcessEvent.Stream;
import dev.atoll.domain.ProcessExit;
import dev.atoll.domain.ProcessId;
import dev.atoll.domain.ProcessSpec;
import dev.atoll.domain.Processes;
import dev.atoll.face.modal.wire.ContainerExecGetOutputRequest;
import dev.atoll.face.modal.wire.ContainerExecPutInputRequest;
import dev.atoll.face.modal.wire.ContainerExecRequest;
import dev.atoll.face.modal.wire.ContainerExecResponse;
import dev.atoll.face.modal.wire.ContainerExecWaitRequest;
import dev.atoll.face.modal.wire.ContainerExecWaitResponse;
import dev.atoll.face.modal.wire.FileDescriptor;
import dev.atoll.face.modal.wire.RuntimeOutputBatch;
import dev.atoll.face.modal.wire.RuntimeOutputMessage;
import dev.atoll.grpc.Call;
import dev.atoll.grpc.Replies;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** {@code ContainerExec*}: commands by the control plane, as clients up to 1.2.0 send them. */
final class LegacyExecCalls {
    private static final Duration LONGEST_WAIT = Duration.ofSeconds(60);

    private final Processes processes;

    LegacyExecCalls(Processes processes) {
        this.processes = processes;
    }

    void addTo(Methods methods) {
        methods.control("ContainerExec", ContainerExecRequest.parser(), this::start)
                .<ContainerExecGetOutputRequest, RuntimeOutputBatch>controlStream(
                        "ContainerExecGetOutput", ContainerExecGetOutputRequest.parser(), this::read)
                .control("ContainerExecPutInput", ContainerExecPutInputRequest.parser(), this::write)
                .control("ContainerExecWait", ContainerExecWaitRequest.parser(), this::await);
    }

    /** All tries of one call have one idempotency key, and so start one process. */
    private ContainerExecResponse start(Caller caller, ContainerExecRequest request, Call call) {
        ProcessSpec spec = Commands.spec(
                request.getCommandList(), request.getWorkdir(), request.getTimeoutSecs(),
                EnvSources.of(request.getSecretIdsList(), Map.of(), List.of()), Ptys.of(request.getPtyInfo()),
                true);
        Optional<ProcessId> id = call.metadata("x-idempotency-key")
                .filter(key -> !key.isEmpty())
                .map(key -> new ProcessId(VendorIds.derived("exec", request.getTaskId(), key)));
        var sandbox = VendorIds.task(request.getTaskId());
        var started = processes.startDetached(caller, sandbox, id.map(spec::withId).orElse(spec));
        return ContainerExecResponse.newBuilder()
                .setExecId(new LegacyExecId(sandbox, started.id()).toString())
                .build();
    }

    /** The index of a batch is the offset behind it, so that a reader goes on where it was. */
    private void read(
            Caller caller, ContainerExecGetOutputRequest request, Replies<RuntimeOutputBatch> replies, Call call)
            throws IOException {
        LegacyExecId id = LegacyExecId.parse(request.getExecId());
        boolean stderr = request.getFileDescriptor() == FileDescriptor.FILE_DESCRIPTOR_STDERR;
        var descriptor = stderr ? FileDescriptor.FILE_DESCRIPTOR_STDERR : FileDescriptor.FILE_DESCRIPTOR_STDOUT;
        long offset = request.getLastBatchIndex();
        var output = processes.attachTo(
                caller, id.sandbox(), id.process(), stderr ? Stream.STDERR : Stream.STDOUT, offset, false);
        var text = new Text();
        Outputs.follow(output, offset, call, (at, bytes) -> {
            var message = RuntimeOutputMessage.newBuilder().setFileDescriptor(descriptor);
            long end = at + bytes.length;
            if (request.getGetRawBytes()) {
                message.setRaw(Outputs.bytes(bytes));
            } else {
                message.setText(text.next(bytes));
                end -= text.kept();
            }
            replies.send(RuntimeOutputBatch.newBuilder().addItems(message).setBatchIndex(end).build());
        });
        ProcessExit exit = Commands.await(new Inside(caller, id.sandbox()), processes, id.process(), call);
        replies.send(RuntimeOutputBatch.newBuilder().setBatchIndex(offset).setExitCode(exit.code()).build());
    }

    /** Counted, not placed: a write that is tried again may be there twice. */
    private Empty write(Caller caller, ContainerExecPutInputRequest request, Call call) {
        LegacyExecId id = LegacyExecId.parse(request.getExecId());
        var input = request.getInput();
        Inputs.write(
                new Inside(caller, id.sandbox()), processes, id.process(), Inputs.APPEND, input.getMessage(),
                input.getEof());
        return Empty.getDefaultInstance();
    }

    private ContainerExecWaitResponse await(Caller caller, ContainerExecWaitRequest request, Call call) {
        LegacyExecId id = LegacyExecId.parse(request.getExecId());
        Optional<ProcessExit> exit = processes.await(
                caller, id.sandbox(), id.process(), Seconds.duration(request.getTimeout(), LONGEST_WAIT));
        var response = ContainerExecWaitResponse.newBuilder().setCompleted(exit.isPresent());
        exit.ifPresent(e -> response.setExitCode(e.code()));
        return response.build();
    }
}
