package dev.atoll.warden;

import dev.atoll.domain.Isolation;
import dev.atoll.domain.LayerId;
import java.util.List;

/**
 * What a slot can become.
 *
 * @param layers lowest first; not empty for {@link Isolation#GVISOR} only: then the sandbox runs already,
 *     over them, on a new disk of the default size and with the standard profile, and its claim must
 *     want exactly that
 */
public record SlotKind(Isolation isolation, List<LayerId> layers) {
    public static final SlotKind CONTAINER = new SlotKind(Isolation.CONTAINER, List.of());

    public SlotKind {
        layers = List.copyOf(layers);
    }

    /** A slot of this class that starts with its claim. */
    public static SlotKind of(Isolation isolation) {
        return new SlotKind(isolation, List.of());
    }
}
