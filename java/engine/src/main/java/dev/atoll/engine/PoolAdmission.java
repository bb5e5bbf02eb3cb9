package dev.atoll.engine;

import dev.atoll.domain.CapacityException;
import dev.atoll.domain.Node;
import dev.atoll.warden.Warden;

/**
 * Whether the pool takes new data. The warden refuses what it does itself; what goes past it, an upload
 * into a running sandbox, is refused here by the mark that it told last.
 */
final class PoolAdmission {
    private final Warden warden;
    private volatile boolean refusing;

    PoolAdmission(Warden warden) {
        this.warden = warden;
    }

    /** What an event of the warden's said. */
    void mark(boolean refuses) {
        refusing = refuses;
    }

    /** Asks the warden, whose events before this connection are lost. */
    void refresh() {
        refusing = warden.pool().refusing();
    }

    /** @throws CapacityException POOL below the admission mark */
    void require() {
        if (!refusing) {
            return;
        }
        Node.Pool pool = warden.pool();
        refusing = pool.refusing();
        if (refusing) {
            throw new CapacityException(CapacityException.What.POOL,
                    "the pool has " + pool.freeBytes() + " bytes free, less what sandboxes wrote to memory; new data is taken from "
                            + pool.admissionMarkBytes() + " on");
        }
    }
}
