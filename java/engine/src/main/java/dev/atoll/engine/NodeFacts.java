package dev.atoll.engine;

import dev.atoll.warden.Warden;
import dev.atoll.warden.WardenInfo;

/** What the warden says about the node, read once a connection and not once a create. */
final class NodeFacts {
    private final Warden warden;
    private volatile WardenInfo info;

    NodeFacts(Warden warden) {
        this.warden = warden;
        this.info = warden.info();
    }

    /** Asks again: after the warden was started anew, or a layer was imported. */
    WardenInfo refresh() {
        info = warden.info();
        return info;
    }

    WardenInfo info() {
        return info;
    }

    /** Address of the DNS forwarder as sandboxes see it. */
    String gateway() {
        return info.gateway();
    }
}
