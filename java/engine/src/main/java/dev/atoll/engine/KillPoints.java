package dev.atoll.engine;

import java.util.concurrent.atomic.AtomicInteger;

/** Called at each {@link KillPoint} by the thread that carries out the command. */
@FunctionalInterface
public interface KillPoints {
    /** Lets every command pass. */
    KillPoints NONE = point -> {};

    void reached(KillPoint point);

    /**
     * Ends the program without any clean-up, as a power cut would, when this point is reached for the
     * {@code nth} time.
     *
     * @param nth 1 or more
     * @param status exit status, so that a test can tell this end from others
     */
    static KillPoints haltAt(KillPoint at, int nth, int status) {
        var left = new AtomicInteger(nth);
        return point -> {
            if (point == at && left.decrementAndGet() == 0) {
                Runtime.getRuntime().halt(status);
            }
        };
    }
}
