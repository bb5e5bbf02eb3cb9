package dev.atoll.domain;

import java.util.Set;
import java.util.TreeSet;

/** The command is not legal in the state the sandbox is in. */
public final class WrongStateException extends AtollException {
    private static final long serialVersionUID = 1;

    private final transient SandboxId sandbox;
    private final SandboxState state;

    public WrongStateException(SandboxId sandbox, SandboxState state, String command, Set<SandboxState> legal) {
        super(command + " is not possible while the sandbox is " + state + "; it is in " + new TreeSet<>(legal));
        this.sandbox = sandbox;
        this.state = state;
    }

    public SandboxId sandbox() {
        return sandbox;
    }

    public SandboxState state() {
        return state;
    }
}
