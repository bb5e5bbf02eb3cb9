package dev.atoll.face.daytona;

import dev.atoll.domain.Operation;
import dev.atoll.domain.Sandbox;
import dev.atoll.domain.SandboxState;
import java.util.EnumSet;
import java.util.Set;

/**
 * The vendor's words for states. Only words that SDK 0.155 knows: its models refuse a whole list
 * for one newer word ("paused", "snapshotting").
 */
final class VendorState {
    private VendorState() {}

    /** The word for what a sandbox is or is becoming. */
    static String of(Sandbox sandbox) {
        return sandbox.underWay().map(Operation.UnderWay::operation).map(o -> duringOperation(o, sandbox.state()))
                .orElseGet(() -> atRest(sandbox.state()));
    }

    /** The word for where it is headed. */
    static String desired(Sandbox sandbox) {
        return switch (of(sandbox)) {
            case "creating", "starting", "started", "restoring", "resizing" -> "started";
            case "archiving", "archived" -> "archived";
            case "destroying", "destroyed" -> "destroyed";
            default -> "stopped";
        };
    }

    /** The states that a filter word selects; none for a word of operations only. */
    static Set<SandboxState> selectedBy(String word) {
        Set<SandboxState> result = EnumSet.noneOf(SandboxState.class);
        for (SandboxState state : SandboxState.values()) {
            if (atRest(state).equals(word)) {
                result.add(state);
            }
        }
        return result;
    }

    private static String duringOperation(Operation operation, SandboxState state) {
        return switch (operation) {
            case CREATING -> "creating";
            case STARTING, RESUMING -> "starting";
            case STOPPING, PAUSING, HIBERNATING -> "stopping";
            case ARCHIVING -> "archiving";
            case RESTORING -> "restoring";
            case RESIZING -> "resizing";
            case DELETING -> "destroying";
            case SNAPSHOTTING, FORKING -> atRest(state);
        };
    }

    /** A paused sandbox answers nothing and continues with a start: "stopped" to this vendor's containers. */
    private static String atRest(SandboxState state) {
        return switch (state) {
            case CREATING -> "creating";
            case RUNNING -> "started";
            case PAUSED, HIBERNATED, STOPPED -> "stopped";
            case ARCHIVED -> "archived";
            case FAILED -> "error";
            case DELETED -> "destroyed";
        };
    }
}
