package dev.atoll.http;

/**
 * Names a value that a filter leaves with a request for the handlers behind it. Compared by
 * identity: keep it in a constant.
 */
public final class RequestKey<T> {
    private final Class<T> type;

    public RequestKey(Class<T> type) {
        this.type = type;
    }

    T cast(Object value) {
        return type.cast(value);
    }

    @Override
    public String toString() {
        return "RequestKey[" + type.getSimpleName() + "]";
    }
}
