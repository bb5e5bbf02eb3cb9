package dev.atoll.grpc;

/** Ends a call with a status other than OK. The message is for the caller to read. */
public final class GrpcException extends RuntimeException {
    private static final long serialVersionUID = 1;

    private final Status status;

    public GrpcException(Status status, String message) {
        super(message);
        this.status = status;
    }

    public Status status() {
        return status;
    }
}
