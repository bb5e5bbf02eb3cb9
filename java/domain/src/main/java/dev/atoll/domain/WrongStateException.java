package dev.atoll.domain;

import java.util.Locale;
import java.util.Set;
import java.util.stream.Collectors;

/** The command is not legal in the state the sandbox is in. */
public final class WrongStateException extends AtollException {
    private static final long serialVersionUID = 1;

    private final transient SandboxId sandbox;
    private final SandboxState state;

    public WrongStateException(SandboxId sandbox, SandboxState state, String command, Set<SandboxState> legal) {
        super(command + " is not possible while the sandbox is " + word(state) + ", only while it is "
                + legal.stream().sorted().map(WrongStateException::word).collect(Collectors.joining(" or ")));
        this.sandbox = sandbox;
        this.state = state;
    }

    private static String word(SandboxState state) {
        return state.name().toLowerCase(Locale.ROOT);
    }

    public SandboxId sandbox() {
        return sandbox;
    }

    public SandboxState state() {
        return state;
    }
}
