package dev.atoll.face.daytona;

import dev.atoll.domain.Caller;
import dev.atoll.domain.InvalidFieldException;
import dev.atoll.domain.NotFoundException;
import dev.atoll.domain.Snapshot;
import dev.atoll.domain.Snapshots;
import dev.atoll.domain.Template;
import dev.atoll.domain.Templates;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * Finds what the vendor calls a snapshot, by id or name: with us a template or a snapshot. A text
 * that could be neither's name is found to be neither.
 */
final class SnapshotReferences {
    private final Templates templates;
    private final Snapshots snapshots;

    SnapshotReferences(Templates templates, Snapshots snapshots) {
        this.templates = templates;
        this.snapshots = snapshots;
    }

    Optional<Template> template(Caller caller, String reference) {
        return found(() -> templates.get(caller, VendorIds.hex(reference).orElse(reference)));
    }

    Optional<Snapshot> snapshot(Caller caller, String reference) {
        return found(() -> snapshots.get(caller, VendorIds.hex(reference).orElse(reference)));
    }

    private static <T> Optional<T> found(Supplier<T> lookUp) {
        try {
            return Optional.of(lookUp.get());
        } catch (NotFoundException | InvalidFieldException e) {
            return Optional.empty();
        }
    }
}
