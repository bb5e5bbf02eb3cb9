package dev.atoll.warden;

import com.google.protobuf.ByteString;
import com.google.protobuf.UnsafeByteOperations;
import dev.atoll.domain.UnavailableException;
import dev.atoll.warden.Failures.Subject;
import dev.atoll.warden.proto.ImageEnd;
import dev.atoll.warden.proto.Request;
import dev.atoll.warden.proto.Response;
import java.io.IOException;
import java.time.Duration;
import java.util.Optional;

/** A connection of its own that carries one image, either way. */
final class ImageChannel implements ImageReader, ImageWriter {
    private final Connections connections;
    private final Connection connection;
    private final Subject subject;
    private final Timing timing;
    private final long size;
    private byte[] seal = {};

    private ImageChannel(Connections connections, Connection connection, Subject subject, Timing timing, long size) {
        this.connections = connections;
        this.connection = connection;
        this.subject = subject;
        this.timing = timing;
        this.size = size;
    }

    /** @param request that is answered by ImageOpened */
    static ImageChannel open(Connections connections, Request request, Subject subject, Timing timing) {
        Connection connection;
        try {
            connection = connections.connect();
        } catch (IOException e) {
            throw unavailable(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new UnavailableException("interrupted while waiting for the warden", e);
        }
        try {
            Response response = exchange(connections, connection, Optional.of(request), timing.call());
            if (response.hasFailure()) {
                throw Failures.toDomain(response.getFailure(), subject);
            }
            return new ImageChannel(
                    connections, connection, subject, timing, response.getImageOpened().getSize());
        } catch (RuntimeException e) {
            connections.drop(connection);
            throw e;
        }
    }

    /** @param request empty when the warden answers without being asked again */
    private static Response exchange(
            Connections connections, Connection connection, Optional<Request> request, Duration limit) {
        try {
            return connections.within(connection, limit, () -> {
                if (request.isPresent()) {
                    connection.send(request.get());
                }
                return Response.parseFrom(connection.receive());
            });
        } catch (IOException e) {
            throw unavailable(e);
        }
    }

    private static UnavailableException unavailable(IOException cause) {
        return new UnavailableException("the warden does not answer: " + cause.getMessage(), cause);
    }

    @Override
    public long size() {
        return size;
    }

    @Override
    public Optional<ImagePart> next() {
        Response response = exchange(connections, connection, Optional.empty(), timing.call());
        return switch (response.getResultCase()) {
            case IMAGE_PART -> Optional.of(new ImagePart(
                    response.getImagePart().getIndex(),
                    response.getImagePart().getContent().toByteArray()));
            case IMAGE_END -> {
                seal = response.getImageEnd().getSeal().toByteArray();
                yield Optional.empty();
            }
            case FAILURE -> throw Failures.toDomain(response.getFailure(), subject);
            default -> throw new UnavailableException("the warden sent " + response.getResultCase() + " in an image");
        };
    }

    @Override
    public byte[] seal() {
        return seal.clone();
    }

    @Override
    public void write(ImagePart part) {
        Request request = Request.newBuilder()
                .setImagePart(dev.atoll.warden.proto.ImagePart.newBuilder()
                        .setIndex(part.index())
                        .setContent(UnsafeByteOperations.unsafeWrap(part.content())))
                .build();
        try {
            connections.within(connection, timing.call(), () -> {
                connection.send(request);
                return request;
            });
        } catch (IOException e) {
            throw unavailable(e);
        }
    }

    @Override
    public void commit(byte[] expected) {
        Request request = Request.newBuilder()
                .setImageEnd(ImageEnd.newBuilder().setSeal(ByteString.copyFrom(expected)))
                .build();
        Response response = exchange(connections, connection, Optional.of(request), timing.work());
        if (response.hasFailure()) {
            throw Failures.toDomain(response.getFailure(), subject);
        }
    }

    @Override
    public void close() {
        connections.drop(connection);
    }
}
