package dev.atoll.engine;

import dev.atoll.domain.Sandbox;
import dev.atoll.domain.SandboxId;

/** The hostname of a sandbox: its name as far as a hostname may look like it. */
final class Hostnames {
    private static final int LONGEST = 63;
    private static final int SHOWN_OF_ID = 12;

    private Hostnames() {}

    static String of(Sandbox sandbox) {
        return of(sandbox.id(), sandbox.name());
    }

    static String of(SandboxId id, String name) {
        String ofId = id.value().substring(0, SHOWN_OF_ID);
        if (name.equals(id.value())) {
            return ofId;
        }
        String label = name.replaceAll("[^A-Za-z0-9-]", "-");
        label = label.substring(0, Math.min(LONGEST, label.length())).replaceAll("^-+|-+$", "");
        return label.isEmpty() ? ofId : label;
    }
}
