package dev.atoll.guest;

import com.google.protobuf.UnsafeByteOperations;
import dev.atoll.domain.Execution;
import dev.atoll.domain.ProcessEvent;
import dev.atoll.domain.ProcessExit;
import dev.atoll.domain.ProcessId;
import dev.atoll.domain.ProcessInfo;
import dev.atoll.domain.ProcessSpec;
import dev.atoll.domain.ProcessStream;
import dev.atoll.guest.proto.Attach;
import dev.atoll.guest.proto.ForgetProcess;
import dev.atoll.guest.proto.Input;
import dev.atoll.guest.proto.ListProcesses;
import dev.atoll.guest.proto.ProcessList;
import dev.atoll.guest.proto.ProcessStarted;
import dev.atoll.guest.proto.Reply;
import dev.atoll.guest.proto.Reply.ResultCase;
import dev.atoll.guest.proto.Request;
import dev.atoll.guest.proto.Resize;
import dev.atoll.guest.proto.Signal;
import dev.atoll.guest.proto.Wait;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Processes over an endpoint's connections. */
final class SocketProcesses implements GuestProcesses {
    private final SocketEndpoint endpoint;

    SocketProcesses(SocketEndpoint endpoint) {
        this.endpoint = endpoint;
    }

    @Override
    public Execution run(ProcessId id, ProcessSpec spec, int maxOutput) {
        Request request =
                Request.newBuilder().setSpawn(Encode.spawn(id, spec, true)).build();
        GuestConnection connection = endpoint.begin(request, deadlineOf(spec));
        try {
            Reply started = connection.reply();
            Decode.expect(started, ResultCase.STARTED);
            if (started.hasError()) {
                endpoint.release(connection);
                throw Decode.error(started.getError());
            }
            return collect(connection, id, maxOutput);
        } catch (IOException e) {
            throw endpoint.fail(connection, e);
        }
    }

    private Execution collect(GuestConnection connection, ProcessId id, int maxOutput) throws IOException {
        OutputCollector stdout = new OutputCollector(maxOutput);
        OutputCollector stderr = new OutputCollector(maxOutput);
        while (true) {
            switch (connection.nextFrame()) {
                case Frame.DATA -> stdout.take(connection);
                case Frame.ERR -> stderr.take(connection);
                case Frame.END -> throw new ProtocolException("the guest ended a process's output by END");
                default -> {
                    Reply reply = connection.message();
                    Decode.expect(reply, ResultCase.EXITED, ResultCase.GAP);
                    if (reply.hasGap()) {
                        boolean first = Decode.gap(reply.getGap()).stream() == ProcessEvent.Stream.STDOUT;
                        (first ? stdout : stderr).lose();
                        continue;
                    }
                    ProcessExit exit = reply.hasExited() ? Decode.exit(reply.getExited()) : null;
                    endpoint.release(connection);
                    if (exit == null) {
                        throw Decode.error(reply.getError());
                    }
                    return new Execution(
                            id, exit, stdout.bytes(), stderr.bytes(), stdout.truncated() || stderr.truncated());
                }
            }
        }
    }

    /** The guest ends what is over its time; this is for a guest that does not. */
    private @Nullable Duration deadlineOf(ProcessSpec spec) {
        return spec.timeout().isZero()
                ? null
                : spec.timeout().plus(endpoint.timeouts().reply());
    }

    @Override
    public ProcessStream start(ProcessId id, ProcessSpec spec) {
        return stream(id, Request.newBuilder().setSpawn(Encode.spawn(id, spec, true)).build());
    }

    @Override
    public ProcessStream attach(ProcessId id, long stdoutOffset, long stderrOffset, boolean stopAtEnd) {
        Attach attach = Attach.newBuilder()
                .setId(id.value())
                .setStdoutOffset(stdoutOffset)
                .setStderrOffset(stderrOffset)
                .setStopAtEnd(stopAtEnd)
                .build();
        return stream(id, Request.newBuilder().setAttach(attach).build());
    }

    @Override
    public ProcessStream attachTo(ProcessId id, ProcessEvent.Stream stream, long offset, boolean stopAtEnd) {
        boolean stdout = stream == ProcessEvent.Stream.STDOUT;
        Attach attach = Attach.newBuilder()
                .setId(id.value())
                .setStdoutOffset(stdout ? offset : 0)
                .setStderrOffset(stdout ? 0 : offset)
                .setSkipStdout(!stdout)
                .setSkipStderr(stdout)
                .setStopAtEnd(stopAtEnd)
                .build();
        return stream(id, Request.newBuilder().setAttach(attach).build());
    }

    private ProcessStream stream(ProcessId id, Request request) {
        GuestConnection connection = endpoint.begin(request, endpoint.timeouts().reply());
        try {
            Reply reply = connection.reply();
            Decode.expect(reply, ResultCase.STARTED);
            if (reply.hasError()) {
                endpoint.release(connection);
                throw Decode.error(reply.getError());
            }
            connection.noDeadline();
            ProcessStarted started = reply.getStarted();
            return new SocketProcessStream(
                    endpoint, connection, id, Decode.pid(started.getPid()), started.getExisted());
        } catch (IOException e) {
            throw endpoint.fail(connection, e);
        }
    }

    @Override
    public ProcessInfo startDetached(ProcessId id, ProcessSpec spec) {
        Reply reply =
                endpoint.quick(Request.newBuilder().setSpawn(Encode.spawn(id, spec, false)), ResultCase.STARTED);
        ProcessStarted started = reply.getStarted();
        if (started.getExisted()) {
            // What was asked for now need not be what was started then.
            return list(true).stream()
                    .filter(process -> process.id().equals(id))
                    .findAny()
                    .orElseGet(() -> described(id, spec, started));
        }
        return described(id, spec, started);
    }

    private ProcessInfo described(ProcessId id, ProcessSpec spec, ProcessStarted started) {
        return decoded(() -> {
            int pid = Decode.pid(started.getPid());
            Instant at = Decode.instant(started.getStartedAtMs());
            return new ProcessInfo(
                    id,
                    pid,
                    spec.argv(),
                    spec.cwd().orElse(""),
                    spec.user().orElse(""),
                    spec.tty().isPresent(),
                    at,
                    Optional.empty(),
                    0,
                    0,
                    spec.stdin());
        });
    }

    @Override
    public List<ProcessInfo> list(boolean includeEnded) {
        ProcessList list = endpoint.quick(
                        Request.newBuilder()
                                .setListProcesses(ListProcesses.newBuilder().setIncludeEnded(includeEnded)),
                        ResultCase.PROCESSES)
                .getProcesses();
        return decoded(() -> {
            List<ProcessInfo> processes = new ArrayList<>(list.getProcessesCount());
            for (var process : list.getProcessesList()) {
                processes.add(Decode.process(process));
            }
            return processes;
        });
    }

    @Override
    public Optional<ProcessExit> await(ProcessId id, Duration timeout) {
        Wait wait = Wait.newBuilder()
                .setId(id.value())
                .setTimeoutMs(Encode.ceilMillis(timeout))
                .build();
        Reply reply = endpoint.unary(
                Request.newBuilder().setWait(wait).build(),
                timeout.plus(endpoint.timeouts().reply()),
                ResultCase.EXITED,
                ResultCase.OK);
        return reply.hasExited() ? Optional.of(decoded(() -> Decode.exit(reply.getExited()))) : Optional.empty();
    }

    @Override
    public long input(ProcessId id, long offset, byte[] data, boolean eof) {
        // -1 is UINT64_MAX on the wire, which means append.
        Input input = Input.newBuilder()
                .setId(id.value())
                .setOffset(offset)
                .setData(UnsafeByteOperations.unsafeWrap(data))
                .setEof(eof)
                .build();
        Reply reply = endpoint.quick(Request.newBuilder().setInput(input), ResultCase.INPUT_ACCEPTED);
        return decoded(() -> Decode.count(reply.getInputAccepted().getOffset()));
    }

    @Override
    public void resize(ProcessId id, int columns, int rows) {
        endpoint.quick(Request.newBuilder().setResize(resizeOf(id, columns, rows)), ResultCase.OK);
    }

    @Override
    public void signal(ProcessId id, int signal, boolean group) {
        endpoint.quick(Request.newBuilder().setSignal(signalOf(id, signal, group)), ResultCase.OK);
    }

    static Resize resizeOf(ProcessId id, int columns, int rows) {
        return Resize.newBuilder()
                .setId(id.value())
                .setCols(columns)
                .setRows(rows)
                .build();
    }

    static Signal signalOf(ProcessId id, int signal, boolean group) {
        return Signal.newBuilder()
                .setId(id.value())
                .setSignal(signal)
                .setGroup(group)
                .build();
    }

    @Override
    public void forget(ProcessId id) {
        endpoint.quick(
                Request.newBuilder()
                        .setForgetProcess(ForgetProcess.newBuilder().setId(id.value())),
                ResultCase.OK);
    }

    private static <T> T decoded(Decoding<T> decoding) {
        return Decoding.orUnavailable(decoding);
    }
}
