package dev.atoll.warden;

import dev.atoll.domain.AtollException;
import dev.atoll.domain.CapacityException;
import dev.atoll.domain.ConflictException;
import dev.atoll.domain.InvalidFieldException;
import dev.atoll.domain.NotFoundException;
import dev.atoll.domain.UnavailableException;
import dev.atoll.domain.UnsupportedException;
import dev.atoll.warden.proto.Failure;
import java.util.Map;

/** What a failure of the warden is called in the domain. */
final class Failures {
    private Failures() {}

    static AtollException toDomain(Failure failure, Subject subject) {
        String message = failure.getMessage();
        String field = failure.getField().isEmpty() ? subject.kind() : failure.getField();
        String value = subject.values().getOrDefault(field, subject.id());
        return switch (failure.getCode()) {
            case INVALID -> new InvalidFieldException(field, value, message);
            case NOT_FOUND -> new NotFoundException(field, value);
            case EXISTS, WRONG_STATE, BUSY, CORRUPT -> new ConflictException(message);
            case POOL_FULL -> new CapacityException(CapacityException.What.POOL, message);
            case NO_SLOT -> new CapacityException(CapacityException.What.SLOTS, message);
            case UNSUPPORTED -> new UnsupportedException(message);
            case IO, GUEST_FAILED, UNKNOWN, UNRECOGNIZED -> new UnavailableException("warden: " + message
                    + (failure.getErrno() == 0 ? "" : " (errno " + failure.getErrno() + ")"));
        };
    }

    /**
     * What a request is about, for errors.
     *
     * @param kind the field that a failure without one is about, {@code id} its value
     * @param values of the request's other fields
     */
    record Subject(String kind, String id, Map<String, String> values) {
        static final Subject NODE = new Subject("node", "", Map.of());

        static Subject of(String kind, Object id) {
            return new Subject(kind, id.toString(), Map.of());
        }

        Subject with(Map<String, String> more) {
            return new Subject(kind, id, more);
        }
    }
}
