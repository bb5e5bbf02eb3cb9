package dev.atoll.engine;

import dev.atoll.domain.Sandbox;

/** The hostname of a sandbox: its name as far as a hostname may look like it. */
final class Hostnames {
    private static final int LONGEST = 63;
    private static final int SHOWN_OF_ID = 12;

    private Hostnames() {}

    static String of(Sandbox sandbox) {
        String id = sandbox.id().value();
        if (sandbox.name().equals(id)) {
            return id.substring(0, SHOWN_OF_ID);
        }
        String name = sandbox.name().replaceAll("[^A-Za-z0-9-]", "-");
        name = name.substring(0, Math.min(LONGEST, name.length())).replaceAll("^-+|-+$", "");
        return name.isEmpty() ? id.substring(0, SHOWN_OF_ID) : name;
    }
}
