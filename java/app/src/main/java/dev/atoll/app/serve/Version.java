package dev.atoll.app.serve;

import java.util.Objects;

/** Of this program, as its jar says. */
public final class Version {
    private Version() {}

    public static String current() {
        return Objects.requireNonNullElse(Version.class.getPackage().getImplementationVersion(), "unpackaged");
    }
}
