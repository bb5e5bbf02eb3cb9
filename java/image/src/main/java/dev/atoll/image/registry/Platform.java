package dev.atoll.image.registry;

import java.util.Locale;

/** A kind of machine as registries name it (GOOS and GOARCH). */
record Platform(String os, String architecture) {
    /** This machine's. */
    static Platform here() {
        String arch = System.getProperty("os.arch").toLowerCase(Locale.ROOT);
        return new Platform("linux", switch (arch) {
            case "x86_64" -> "amd64";
            case "aarch64" -> "arm64";
            default -> arch;
        });
    }

    @Override
    public String toString() {
        return os + "/" + architecture;
    }
}
