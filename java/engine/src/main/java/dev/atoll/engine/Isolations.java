package dev.atoll.engine;

import dev.atoll.domain.Isolation;
import dev.atoll.domain.Node.IsolationCapability;
import dev.atoll.domain.UnsupportedException;
import dev.atoll.warden.ClassInfo;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/** What each isolation class can do on this node, as its warden says. */
final class Isolations {
    private final NodeFacts facts;

    Isolations(NodeFacts facts) {
        this.facts = facts;
    }

    List<IsolationCapability> all() {
        return Arrays.stream(Isolation.values()).map(this::of).toList();
    }

    boolean isAvailable(Isolation isolation) {
        return of(isolation).available();
    }

    /** @throws UnsupportedException with the reason when sandboxes of this class cannot be made here */
    Isolation require(Isolation isolation) {
        of(isolation).reason().ifPresent(reason -> {
            throw new UnsupportedException("isolation " + isolation + " is not available here: " + reason);
        });
        return isolation;
    }

    IsolationCapability of(Isolation isolation) {
        return facts.info().classes().stream()
                .filter(known -> known.isolation() == isolation)
                .findFirst()
                .map(Isolations::capability)
                .orElseGet(() -> unavailable(isolation, "this version has no driver for it"));
    }

    private static IsolationCapability capability(ClassInfo known) {
        return known.absent()
                .map(reason -> unavailable(known.isolation(), reason))
                .orElseGet(() -> new IsolationCapability(
                        known.isolation(), true, Optional.empty(), true, true, known.memory(), true));
    }

    private static IsolationCapability unavailable(Isolation isolation, String reason) {
        return new IsolationCapability(isolation, false, Optional.of(reason), false, false, false, false);
    }
}
