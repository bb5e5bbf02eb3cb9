package dev.atoll.grpc;

import dev.atoll.http.Request;
import java.time.Duration;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;

/** One call while it is being answered. {@link #isCancelled} and {@link #onCancel} may be used from any thread. */
public final class Call {
    /** A number of at most 8 digits and its unit (PROTOCOL-HTTP2.md, "TimeoutUnit"). */
    private static final int MAX_TIMEOUT_DIGITS = 8;

    private final Request request;
    private final Optional<Long> deadlineNanos;
    private final AtomicBoolean cancelled = new AtomicBoolean();

    Call(Request request) {
        this.request = request;
        this.deadlineNanos = request.header("grpc-timeout").map(text -> System.nanoTime() + nanos(text));
        request.onDisconnect(() -> cancelled.set(true));
    }

    private static long nanos(String text) {
        int digits = text.length() - 1;
        if (digits < 1 || digits > MAX_TIMEOUT_DIGITS || !text.chars().limit(digits).allMatch(c -> c >= '0' && c <= '9')) {
            throw new GrpcException(Status.INVALID_ARGUMENT, "grpc-timeout is '" + text + "'; allowed: 1 to 8 digits and a unit");
        }
        TimeUnit unit = switch (text.charAt(digits)) {
            case 'H' -> TimeUnit.HOURS;
            case 'M' -> TimeUnit.MINUTES;
            case 'S' -> TimeUnit.SECONDS;
            case 'm' -> TimeUnit.MILLISECONDS;
            case 'u' -> TimeUnit.MICROSECONDS;
            case 'n' -> TimeUnit.NANOSECONDS;
            default -> throw new GrpcException(Status.INVALID_ARGUMENT, "grpc-timeout is '" + text + "'; allowed units: H M S m u n");
        };
        return unit.toNanos(Long.parseLong(text, 0, digits, 10));
    }

    /** Service and method: {@code /package.Service/Method}. */
    public String path() {
        return request.path();
    }

    /** The method's name alone. */
    public String method() {
        return path().substring(path().lastIndexOf('/') + 1);
    }

    /** The first value of a metadata key. */
    public Optional<String> metadata(String key) {
        return request.header(key.toLowerCase(Locale.ROOT));
    }

    /** What the client calls this server: host, and port unless the scheme's default one. */
    public String authority() {
        return request.authority();
    }

    /** How long the client still waits; empty when it set no deadline. */
    public Optional<Duration> remaining() {
        return deadlineNanos.map(at -> Duration.ofNanos(Math.max(0, at - System.nanoTime())));
    }

    /** Whether the client is gone or ended the call. */
    public boolean isCancelled() {
        return cancelled.get();
    }

    /** Runs the action once, on any thread, when the client ends the call early; it must not block. */
    public void onCancel(Runnable action) {
        request.onDisconnect(action);
    }
}
