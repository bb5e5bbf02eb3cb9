package dev.atoll.warden;

import dev.atoll.domain.Isolation;
import dev.atoll.domain.LayerId;
import java.util.List;

/**
 * What a slot can become.
 *
 * @param layers lowest first; when there are some the sandbox runs already, over them, on a new disk of
 *     the default size and with the standard profile, and its claim must want exactly that
 */
public record SlotKind(Isolation isolation, List<LayerId> layers) {
    public static final SlotKind CONTAINER = new SlotKind(Isolation.CONTAINER, List.of());

    public SlotKind {
        layers = List.copyOf(layers);
    }

    /** Whether a guest runs, and dials, before the claim: of a container always. */
    public boolean hasGuestAhead() {
        return switch (isolation) {
            case CONTAINER -> true;
            case GVISOR, MICROVM -> !layers.isEmpty();
        };
    }

    /** A slot of this class that gets its root with its claim. */
    public static SlotKind of(Isolation isolation) {
        return new SlotKind(isolation, List.of());
    }
}
