package dev.atoll.face.modal;

import dev.atoll.domain.Isolation;
import java.net.URI;
import java.util.List;
import java.util.Optional;

/**
 * How the face answers.
 *
 * @param publicUrl what clients call it where that differs from the address they call
 * @param isolationOrder classes to try in turn; the vendor's own is gVisor
 */
public record ModalConfig(Optional<URI> publicUrl, List<Isolation> isolationOrder) {
    public static final ModalConfig DEFAULTS =
            new ModalConfig(Optional.empty(), List.of(Isolation.GVISOR, Isolation.CONTAINER));

    public ModalConfig {
        isolationOrder = List.copyOf(isolationOrder);
    }
}
