package dev.atoll.domain;

/** Everything that the domain refuses or fails at. The message is fit for the caller to read. */
public abstract sealed class AtollException extends RuntimeException
        permits InvalidFieldException,
                NotFoundException,
                ConflictException,
                WrongStateException,
                CapacityException,
                UnsupportedException,
                ForbiddenException,
                GuestException,
                ImageException,
                UnavailableException {
    private static final long serialVersionUID = 1;

    AtollException(String message) {
        super(message);
    }

    AtollException(String message, Throwable cause) {
        super(message, cause);
    }
}
