package dev.atoll.face.modal;

import dev.atoll.domain.EnvSource;
import dev.atoll.domain.InvalidFieldException;
import dev.atoll.domain.ProcessExit;
import dev.atoll.domain.ProcessId;
import dev.atoll.domain.ProcessSpec;
import dev.atoll.domain.ProcessSpec.Tty;
import dev.atoll.domain.Processes;
import dev.atoll.grpc.Call;
import dev.atoll.grpc.GrpcException;
import dev.atoll.grpc.Status;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/** What commands by the router and by the control plane have in common. */
final class Commands {
    private static final Duration LOOK_FOR_LOSS_EVERY = Duration.ofSeconds(20);

    private Commands() {}

    /** With its input open. Nobody need read its output: the oldest is dropped when too much is kept. */
    static ProcessSpec spec(List<String> argv, String workdir, int timeoutSeconds, List<EnvSource> env, Optional<Tty> tty) {
        if (argv.isEmpty()) {
            throw new InvalidFieldException("command", "[]", "a program and its arguments");
        }
        ProcessSpec spec = ProcessSpec.of(argv)
                .withStdin(true)
                .withReader(false, false)
                .withCwd(Optional.of(workdir).filter(w -> !w.isEmpty()))
                .withTimeout(Duration.ofSeconds(Integer.toUnsignedLong(timeoutSeconds)))
                .withSecrets(env);
        return tty.map(spec::withTty).orElse(spec);
    }

    /**
     * Blocks until the process ends.
     *
     * @throws GrpcException DEADLINE_EXCEEDED when the client's time is over before
     */
    static ProcessExit await(Inside inside, Processes processes, ProcessId id, Call call) {
        while (!call.isCancelled()) {
            Duration left = call.remaining().orElse(LOOK_FOR_LOSS_EVERY);
            if (left.isZero()) {
                break;
            }
            Duration slice = left.compareTo(LOOK_FOR_LOSS_EVERY) < 0 ? left : LOOK_FOR_LOSS_EVERY;
            Optional<ProcessExit> exit = processes.await(inside.caller(), inside.sandbox(), id, slice);
            if (exit.isPresent()) {
                return exit.get();
            }
        }
        throw new GrpcException(Status.DEADLINE_EXCEEDED, "the command still runs");
    }
}
