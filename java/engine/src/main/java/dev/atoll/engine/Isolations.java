package dev.atoll.engine;

import dev.atoll.domain.Isolation;
import dev.atoll.domain.Node.IsolationCapability;
import dev.atoll.domain.UnsupportedException;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/** What each isolation class can do on this node. */
final class Isolations {
    private Isolations() {}

    static List<IsolationCapability> all() {
        return Arrays.stream(Isolation.values()).map(Isolations::of).toList();
    }

    static boolean isAvailable(Isolation isolation) {
        return of(isolation).available();
    }

    /** @throws UnsupportedException with the reason when sandboxes of this class cannot be made here */
    static Isolation require(Isolation isolation) {
        of(isolation).reason().ifPresent(reason -> {
            throw new UnsupportedException("isolation " + isolation + " is not available here: " + reason);
        });
        return isolation;
    }

    private static IsolationCapability of(Isolation isolation) {
        return switch (isolation) {
            case CONTAINER -> new IsolationCapability(isolation, true, Optional.empty(), true, true, false, true);
            case GVISOR -> unavailable(isolation, "this version has no driver for runsc");
            case MICROVM -> unavailable(isolation, "this version has no driver for virtual machines");
        };
    }

    private static IsolationCapability unavailable(Isolation isolation, String reason) {
        return new IsolationCapability(isolation, false, Optional.of(reason), false, false, false, false);
    }
}
