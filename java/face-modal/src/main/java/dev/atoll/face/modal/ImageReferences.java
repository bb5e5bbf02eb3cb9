package dev.atoll.face.modal;

import dev.atoll.domain.Caller;
import dev.atoll.domain.NotFoundException;
import dev.atoll.domain.Snapshots;
import dev.atoll.domain.Source;
import dev.atoll.domain.Templates;
import dev.atoll.grpc.GrpcException;
import dev.atoll.grpc.Status;

/** The vendor's image is a template that was built, or a snapshot: their ids are of one space. */
final class ImageReferences {
    private final Templates templates;
    private final Snapshots snapshots;

    ImageReferences(Templates templates, Snapshots snapshots) {
        this.templates = templates;
        this.snapshots = snapshots;
    }

    /** @throws GrpcException NOT_FOUND when there is neither */
    Source source(Caller caller, String imageId) {
        String id = VendorIds.imageHex(imageId);
        try {
            return new Source.OfTemplate(templates.get(caller, id).id().value());
        } catch (NotFoundException noTemplate) {
            // Looked for among the snapshots.
        }
        try {
            return new Source.OfSnapshot(snapshots.get(caller, id).id().value(), true);
        } catch (NotFoundException neither) {
            throw new GrpcException(Status.NOT_FOUND, "Image with ID '" + imageId + "' not found");
        }
    }
}
