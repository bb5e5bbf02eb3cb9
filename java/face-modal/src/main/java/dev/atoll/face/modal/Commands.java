package dev.atoll.face.modal;

import dev.atoll.domain.EnvSource;
import dev.atoll.domain.InvalidFieldException;
import dev.atoll.domain.ProcessEvent;
import dev.atoll.domain.ProcessExit;
import dev.atoll.domain.ProcessId;
import dev.atoll.domain.ProcessInfo;
import dev.atoll.domain.ProcessSpec;
import dev.atoll.domain.ProcessSpec.Tty;
import dev.atoll.domain.ProcessStream;
import dev.atoll.domain.Processes;
import dev.atoll.grpc.Call;
import dev.atoll.grpc.GrpcException;
import dev.atoll.grpc.Status;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/** What commands by the router and by the control plane have in common. */
final class Commands {
    /** What a process may write at least before it can be held (a spool keeps 16 MiB unless configured otherwise). */
    private static final long LEAST_KEPT = 64 << 10;
    private static final Duration LOOK_EVERY = Duration.ofSeconds(5);

    private Commands() {}

    /**
     * With its input open.
     *
     * @param read whether the client means to read the output: then the command is held when too much is kept, as
     *     by a full pipe; else the oldest is dropped
     */
    static ProcessSpec spec(
            List<String> argv,
            String workdir,
            int timeoutSeconds,
            List<EnvSource> env,
            Optional<Tty> tty,
            boolean read) {
        if (argv.isEmpty()) {
            throw new InvalidFieldException("command", "[]", "a program and its arguments");
        }
        ProcessSpec spec = ProcessSpec.of(argv)
                .withStdin(true)
                .withReader(read, false)
                .withCwd(Optional.of(workdir).filter(w -> !w.isEmpty()))
                .withTimeout(Duration.ofSeconds(Integer.toUnsignedLong(timeoutSeconds)))
                .withSecrets(env);
        return tty.map(spec::withTty).orElse(spec);
    }

    /**
     * Blocks until the process ends. One that is held because nobody reads its output goes on meanwhile:
     * who waits for its end does not want it to stand still.
     *
     * @throws GrpcException DEADLINE_EXCEEDED when the client's time is over before
     */
    static ProcessExit await(Inside inside, Processes processes, ProcessId id, Call call) {
        long written = -1;
        while (!call.isCancelled()) {
            Duration left = call.remaining().orElse(LOOK_EVERY);
            if (left.isZero()) {
                break;
            }
            Duration slice = left.compareTo(LOOK_EVERY) < 0 ? left : LOOK_EVERY;
            Optional<ProcessExit> exit = processes.await(inside.caller(), inside.sandbox(), id, slice);
            if (exit.isPresent()) {
                return exit.get();
            }
            long before = written;
            ProcessInfo now = processes.get(inside.caller(), inside.sandbox(), id);
            written = now.stdoutBytes() + now.stderrBytes();
            if (written == before && written >= LEAST_KEPT) {
                return drain(inside, processes, now, call);
            }
        }
        throw new GrpcException(Status.DEADLINE_EXCEEDED, "the command still runs");
    }

    /**
     * Reads and forgets what comes from now on. A reader that is slow loses nothing by it, since all
     * who are attached hold the process.
     */
    private static ProcessExit drain(Inside inside, Processes processes, ProcessInfo process, Call call) {
        try (ProcessStream stream = processes.attach(
                inside.caller(), inside.sandbox(), process.id(), process.stdoutBytes(), process.stderrBytes(), false)) {
            call.onCancel(() -> Thread.ofVirtual().start(stream::close));
            for (Optional<ProcessEvent> event = stream.next(); event.isPresent(); event = stream.next()) {
                if (event.get() instanceof ProcessEvent.Exited(ProcessExit exit)) {
                    return exit;
                }
            }
        }
        throw new GrpcException(Status.UNAVAILABLE, "the connection to the command was lost");
    }
}
