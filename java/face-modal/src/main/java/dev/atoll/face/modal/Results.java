package dev.atoll.face.modal;

import dev.atoll.domain.Outcome;
import dev.atoll.domain.ProcessExit;
import dev.atoll.domain.Sandbox;
import dev.atoll.face.modal.wire.GenericResult;
import dev.atoll.face.modal.wire.GenericResult.Status;

/** How a sandbox ended, in the vendor's words. */
final class Results {
    /** Of a sandbox that runs. */
    static final GenericResult RUNNING = GenericResult.getDefaultInstance();

    private static final int KILLED = 137;

    private Results() {}

    static GenericResult of(Sandbox sandbox) {
        return sandbox.outcome().map(Results::of).orElse(RUNNING);
    }

    private static GenericResult of(Outcome outcome) {
        int code = outcome.exit().map(ProcessExit::code).orElse(KILLED);
        GenericResult.Builder result = GenericResult.newBuilder();
        switch (outcome.kind()) {
            case EXITED -> result.setStatus(code == 0 ? Status.SUCCESS : Status.FAILURE).setExitcode(code);
            case TIMEOUT -> result.setStatus(Status.TIMEOUT);
            case IDLE_TIMEOUT -> result.setStatus(Status.IDLE_TIMEOUT);
            case TERMINATED -> result.setStatus(Status.TERMINATED);
            case OUT_OF_MEMORY -> result.setStatus(Status.KERNEL_OOM_KILL).setExitcode(code);
            case INIT_FAILURE -> result.setStatus(Status.INIT_FAILURE).setExitcode(1);
            case LOST -> result.setStatus(Status.INTERNAL_FAILURE).setExitcode(KILLED);
        }
        return result.setException(outcome.detail()).build();
    }
}
