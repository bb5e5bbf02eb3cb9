package dev.atoll.app.config;

/** Whom sandboxes trust. */
public record TrustConfig(
        @Key("PEM bundle whose certificates sandboxes trust besides the distribution's own. host: this machine's bundle. none.")
        String extraCa) {
    static final TrustConfig DEFAULTS = new TrustConfig("host");
    private static final String HOST_BUNDLE = "/etc/ssl/certs/ca-certificates.crt";

    public TrustConfig {
        if (!extraCa.equals("host") && !extraCa.equals("none")) {
            Bounds.absolute("trust.extra_ca", extraCa);
        }
    }

    /** Path of the bundle, or the empty text for none. */
    public String bundle() {
        return switch (extraCa) {
            case "host" -> HOST_BUNDLE;
            case "none" -> "";
            default -> extraCa;
        };
    }
}
