package dev.atoll.face.modal;

import com.google.protobuf.Empty;
import dev.atoll.domain.Build;
import dev.atoll.domain.BuildLog;
import dev.atoll.domain.BuildTemplate;
import dev.atoll.domain.Builds;
import dev.atoll.domain.Caller;
import dev.atoll.domain.ContextFile;
import dev.atoll.domain.EnvSource;
import dev.atoll.domain.InvalidFieldException;
import dev.atoll.domain.NotFoundException;
import dev.atoll.domain.SnapshotId;
import dev.atoll.domain.Snapshots;
import dev.atoll.domain.Source;
import dev.atoll.domain.TemplateId;
import dev.atoll.domain.Templates;
import dev.atoll.domain.UnsupportedException;
import dev.atoll.face.modal.wire.BaseImage;
import dev.atoll.face.modal.wire.FileDescriptor;
import dev.atoll.face.modal.wire.GenericResult;
import dev.atoll.face.modal.wire.Image;
import dev.atoll.face.modal.wire.ImageDeleteRequest;
import dev.atoll.face.modal.wire.ImageFromIdRequest;
import dev.atoll.face.modal.wire.ImageFromIdResponse;
import dev.atoll.face.modal.wire.ImageGetOrCreateRequest;
import dev.atoll.face.modal.wire.ImageGetOrCreateResponse;
import dev.atoll.face.modal.wire.ImageJoinStreamingRequest;
import dev.atoll.face.modal.wire.ImageJoinStreamingResponse;
import dev.atoll.face.modal.wire.TaskLogs;
import dev.atoll.grpc.Call;
import dev.atoll.grpc.GrpcException;
import dev.atoll.grpc.Replies;
import dev.atoll.grpc.Status;
import java.io.IOException;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** {@code Image*}: each layer that a client describes is a build on the layer before. */
final class ImageCalls {
    /** Permission bits of files that come within the request; it says none. */
    private static final int FILE_MODE = 0644;
    /** A stream ends after this without a result, and the client opens it again. */
    private static final Duration LONGEST_JOIN = Duration.ofSeconds(55);
    private static final Duration LOOK_FOR_LOSS_EVERY = Duration.ofSeconds(5);
    private static final List<Integer> WITHOUT_CREDENTIALS = List.of(0, 3);

    private final Builds builds;
    private final Templates templates;
    private final Snapshots snapshots;
    private final ImageReferences images;

    ImageCalls(Builds builds, Templates templates, Snapshots snapshots, ImageReferences images) {
        this.builds = builds;
        this.templates = templates;
        this.snapshots = snapshots;
        this.images = images;
    }

    void addTo(Methods methods) {
        methods.control("ImageGetOrCreate", ImageGetOrCreateRequest.parser(), this::getOrCreate)
                .<ImageJoinStreamingRequest, ImageJoinStreamingResponse>controlStream(
                        "ImageJoinStreaming", ImageJoinStreamingRequest.parser(), this::join)
                .control("ImageFromId", ImageFromIdRequest.parser(), this::fromId)
                .control("ImageDelete", ImageDeleteRequest.parser(), this::delete);
    }

    /** What is wrong with a description is a failed build, as with the vendor, not a failed call. */
    private ImageGetOrCreateResponse getOrCreate(Caller caller, ImageGetOrCreateRequest request, Call call) {
        Image image = request.getImage();
        refuseUnoffered(image);
        try {
            Build build = builds.start(caller, spec(caller, image, request.getForceBuild() || request.getIgnoreCache()));
            return ImageGetOrCreateResponse.newBuilder()
                    .setImageId(VendorIds.image(build.id().value()))
                    .setResult(result(build))
                    .build();
        } catch (InvalidFieldException | UnsupportedException | NotFoundException wrong) {
            return ImageGetOrCreateResponse.newBuilder()
                    .setImageId("im-" + VendorIds.derived("image", image.toString(), ""))
                    .setResult(failure(String.valueOf(wrong.getMessage())))
                    .build();
        }
    }

    private static void refuseUnoffered(Image image) {
        NotOffered.unless(image.getContextMountId().isEmpty(), "local files in images (context_mount_id)");
        NotOffered.unless(
                image.getBuildFunctionDef().isEmpty() && !image.hasBuildFunction(), "functions as image steps (run_function)");
        NotOffered.unless(image.getVolumeMountsCount() == 0, "volumes in image builds");
        NotOffered.unless(image.getGpuConfig().getCount() == 0, "GPUs in image builds");
        NotOffered.unless(
                WITHOUT_CREDENTIALS.contains(image.getImageRegistryConfig().getRegistryAuthType()),
                "registries with credentials");
    }

    private BuildTemplate spec(Caller caller, Image image, boolean force) {
        Map<String, Source> bases = new HashMap<>();
        for (BaseImage base : image.getBaseImagesList()) {
            bases.put(base.getDockerTag(), images.source(caller, base.getImageId()));
        }
        List<ContextFile> context = image.getContextFilesList().stream()
                .map(file -> ContextFile.of(file.getFilename(), FILE_MODE, file.getData().toByteArray()))
                .toList();
        List<EnvSource> secrets = EnvSources.of(image.getSecretIdsList(), Map.of(), List.of());
        return BuildTemplate.of(String.join("\n", image.getDockerfileCommandsList()) + "\n")
                .withBases(bases)
                .withContext(context)
                .withArgs(image.getBuildArgsMap())
                .withSecrets(secrets)
                .withForce(force);
    }

    private void join(Caller caller, ImageJoinStreamingRequest request, Replies<ImageJoinStreamingResponse> replies, Call call)
            throws IOException {
        var id = new TemplateId(VendorIds.imageHex(request.getImageId()));
        long until = System.nanoTime() + Seconds.duration(request.getTimeout(), LONGEST_JOIN).toNanos();
        long offset = EntryIds.offset(request.getLastEntryId());
        while (!call.isCancelled()) {
            if (!isRemembered(caller, id)) {
                replies.send(ended(finished(caller, request.getImageId())));
                return;
            }
            BuildLog log = builds.log(caller, id, offset, LOOK_FOR_LOSS_EVERY);
            offset = log.next();
            if (log.bytes().length > 0) {
                replies.send(ImageJoinStreamingResponse.newBuilder()
                        .addTaskLogs(TaskLogs.newBuilder()
                                .setData(Text.of(log.bytes()))
                                .setFileDescriptor(FileDescriptor.FILE_DESCRIPTOR_STDOUT))
                        .setEntryId(EntryIds.of(offset))
                        .build());
            }
            if (log.ended()) {
                replies.send(ended(result(builds.get(caller, id))));
                return;
            }
            if (System.nanoTime() > until) {
                return;
            }
        }
    }

    private boolean isRemembered(Caller caller, TemplateId id) {
        try {
            builds.get(caller, id);
            return true;
        } catch (NotFoundException forgotten) {
            return false;
        }
    }

    /** Of a build that is not remembered: its image is there, or there is none. */
    private GenericResult finished(Caller caller, String imageId) {
        images.source(caller, imageId);
        return GenericResult.newBuilder().setStatus(GenericResult.Status.SUCCESS).build();
    }

    private static ImageJoinStreamingResponse ended(GenericResult result) {
        return ImageJoinStreamingResponse.newBuilder().setResult(result).setEof(true).build();
    }

    private static GenericResult result(Build build) {
        return switch (build.status()) {
            case QUEUED, RUNNING -> GenericResult.getDefaultInstance();
            case SUCCEEDED -> GenericResult.newBuilder().setStatus(GenericResult.Status.SUCCESS).build();
            case FAILED -> failure(build.failure().map(ImageCalls::text).orElse(""));
            case CANCELLED -> GenericResult.newBuilder().setStatus(GenericResult.Status.TERMINATED).build();
        };
    }

    private static GenericResult failure(String why) {
        return GenericResult.newBuilder().setStatus(GenericResult.Status.FAILURE).setException(why).build();
    }

    private static String text(Build.Failure failure) {
        return failure.output().isEmpty() ? failure.message() : failure.message() + "\n" + failure.output();
    }

    private ImageFromIdResponse fromId(Caller caller, ImageFromIdRequest request, Call call) {
        images.source(caller, request.getImageId());
        return ImageFromIdResponse.newBuilder().setImageId(request.getImageId()).build();
    }

    private Empty delete(Caller caller, ImageDeleteRequest request, Call call) {
        switch (images.source(caller, request.getImageId())) {
            case Source.OfTemplate(String id) -> templates.delete(caller, new TemplateId(id));
            case Source.OfSnapshot(String id, _) -> snapshots.delete(caller, new SnapshotId(id));
            case Source.OfImage _, Source.OfDockerfile _ ->
                throw new GrpcException(Status.INTERNAL, "an image is a template or a snapshot");
        }
        return Empty.getDefaultInstance();
    }
}
