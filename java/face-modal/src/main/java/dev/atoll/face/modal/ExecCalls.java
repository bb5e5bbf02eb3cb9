package dev.atoll.face.modal;

import com.google.protobuf.ByteString;
import dev.atoll.domain.InputStatus;
import dev.atoll.domain.ProcessEvent.Stream;
import dev.atoll.domain.ProcessExit;
import dev.atoll.domain.ProcessId;
import dev.atoll.domain.ProcessSpec;
import dev.atoll.domain.Processes;
import dev.atoll.face.modal.wire.TaskExecStartRequest;
import dev.atoll.face.modal.wire.TaskExecStartResponse;
import dev.atoll.face.modal.wire.TaskExecStdinStatusRequest;
import dev.atoll.face.modal.wire.TaskExecStdinStatusResponse;
import dev.atoll.face.modal.wire.TaskExecStdinWriteRequest;
import dev.atoll.face.modal.wire.TaskExecStdinWriteResponse;
import dev.atoll.face.modal.wire.TaskExecStdinWriteStreamRequest;
import dev.atoll.face.modal.wire.TaskExecStdinWriteStreamResponse;
import dev.atoll.face.modal.wire.TaskExecStdioReadRequest;
import dev.atoll.face.modal.wire.TaskExecStdioReadResponse;
import dev.atoll.face.modal.wire.TaskExecWaitRequest;
import dev.atoll.face.modal.wire.TaskExecWaitResponse;
import dev.atoll.grpc.Call;
import dev.atoll.grpc.GrpcException;
import dev.atoll.grpc.Messages;
import dev.atoll.grpc.Replies;
import dev.atoll.grpc.Status;
import java.io.IOException;
import java.time.Duration;
import java.util.Optional;

/** {@code TaskExec*}: commands in a sandbox, by ids that clients choose. */
final class ExecCalls {
    private final Processes processes;

    ExecCalls(Processes processes) {
        this.processes = processes;
    }

    void addTo(Methods methods) {
        methods.router("TaskExecStart", TaskExecStartRequest.parser(), TaskExecStartRequest::getTaskId, this::start)
                .<TaskExecStdioReadRequest, TaskExecStdioReadResponse>routerStream(
                        "TaskExecStdioRead", TaskExecStdioReadRequest.parser(), TaskExecStdioReadRequest::getTaskId,
                        this::read)
                .router(
                        "TaskExecStdinWrite", TaskExecStdinWriteRequest.parser(), TaskExecStdinWriteRequest::getTaskId,
                        this::write)
                .routerUpload(
                        "TaskExecStdinWriteStream", TaskExecStdinWriteStreamRequest.parser(),
                        first -> first.getStart().getTaskId(), this::writeStream)
                .router(
                        "TaskExecStdinStatus", TaskExecStdinStatusRequest.parser(),
                        TaskExecStdinStatusRequest::getTaskId, this::stdinStatus)
                .router("TaskExecWait", TaskExecWaitRequest.parser(), TaskExecWaitRequest::getTaskId, this::await)
                .router("TaskExecPoll", TaskExecWaitRequest.parser(), TaskExecWaitRequest::getTaskId, this::poll);
    }

    private TaskExecStartResponse start(Inside inside, TaskExecStartRequest request, Call call) {
        NotOffered.unless(request.getContainerId().isEmpty(), "sidecar containers");
        ProcessSpec spec = Commands.spec(
                        request.getCommandArgsList(), request.getWorkdir(), request.getTimeoutSecs(),
                        EnvSources.of(request.getSecretIdsList(), request.getEnvMap(), request.getSecretSourcesList()),
                        Ptys.of(request.getPtyInfo()), isRead(request))
                .withId(new ProcessId(request.getExecId()));
        boolean merged = request.getStderrConfig() == TaskExecStartRequest.Stderr.STDERR_TO_STDOUT;
        processes.startDetached(inside.caller(), inside.sandbox(), merged ? spec.withMergedOutput() : spec);
        return TaskExecStartResponse.getDefaultInstance();
    }

    private static boolean isRead(TaskExecStartRequest request) {
        return request.getStdoutConfig() != TaskExecStartRequest.Stdout.STDOUT_DEVNULL
                || request.getStderrConfig() != TaskExecStartRequest.Stderr.STDERR_DEVNULL;
    }

    private void read(
            Inside inside, TaskExecStdioReadRequest request, Replies<TaskExecStdioReadResponse> replies, Call call)
            throws IOException {
        var id = new ProcessId(request.getExecId());
        Stream stream = request.getFileDescriptor() == TaskExecStdioReadRequest.Stream.STDERR ? Stream.STDERR : Stream.STDOUT;
        var output = processes.attachTo(inside.caller(), inside.sandbox(), id, stream, request.getOffset(), false);
        Outputs.follow(output, request.getOffset(), call, new Outputs.Sink() {
            @Override
            public void accept(long offset, byte[] bytes) throws IOException {
                replies.send(TaskExecStdioReadResponse.newBuilder().setData(Outputs.bytes(bytes)).build());
            }

            @Override
            public void gap(long from, long to) {
                throw new GrpcException(
                        Status.DATA_LOSS,
                        "bytes " + from + " to " + to + " of the output were dropped before anybody read them");
            }
        });
    }

    private TaskExecStdinWriteResponse write(Inside inside, TaskExecStdinWriteRequest request, Call call) {
        Inputs.write(
                inside, processes, new ProcessId(request.getExecId()), request.getOffset(), request.getData(),
                request.getEof());
        return TaskExecStdinWriteResponse.getDefaultInstance();
    }

    private TaskExecStdinWriteStreamResponse writeStream(
            Inside inside, TaskExecStdinWriteStreamRequest first, Messages<TaskExecStdinWriteStreamRequest> rest)
            throws IOException {
        var id = new ProcessId(first.getStart().getExecId());
        long offset = first.getStart().getOffset();
        for (var next = rest.next(); next.isPresent(); next = rest.next()) {
            switch (next.get().getPayloadCase()) {
                case DATA -> {
                    var data = next.get().getData();
                    Inputs.write(inside, processes, id, offset, data, false);
                    offset += data.size();
                }
                case END -> Inputs.write(inside, processes, id, offset, ByteString.EMPTY, true);
                case START, PAYLOAD_NOT_SET ->
                    throw new GrpcException(Status.INVALID_ARGUMENT, "after the start come data and an end");
            }
        }
        return TaskExecStdinWriteStreamResponse.getDefaultInstance();
    }

    private TaskExecStdinStatusResponse stdinStatus(Inside inside, TaskExecStdinStatusRequest request, Call call) {
        InputStatus status = processes.inputStatus(inside.caller(), inside.sandbox(), new ProcessId(request.getExecId()));
        return TaskExecStdinStatusResponse.newBuilder()
                .setNumBytesWritten(status.accepted())
                .setClosed(status.closed())
                .build();
    }

    private TaskExecWaitResponse await(Inside inside, TaskExecWaitRequest request, Call call) {
        var id = new ProcessId(request.getExecId());
        return status(Commands.await(inside, processes, id, call));
    }

    private TaskExecWaitResponse poll(Inside inside, TaskExecWaitRequest request, Call call) {
        Optional<ProcessExit> exit =
                processes.await(inside.caller(), inside.sandbox(), new ProcessId(request.getExecId()), Duration.ZERO);
        return exit.map(ExecCalls::status).orElse(TaskExecWaitResponse.getDefaultInstance());
    }

    private static TaskExecWaitResponse status(ProcessExit exit) {
        return exit.signal() == 0
                ? TaskExecWaitResponse.newBuilder().setCode(exit.code()).build()
                : TaskExecWaitResponse.newBuilder().setSignal(exit.signal()).build();
    }
}
