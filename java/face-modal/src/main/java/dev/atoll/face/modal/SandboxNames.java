package dev.atoll.face.modal;

/** The vendor's names are unique in an app, ours in a project: so ours has the app's id behind the vendor's. */
final class SandboxNames {
    private SandboxNames() {}

    /** @param appId as {@link VendorIds#app} makes it */
    static String of(String name, String appId) {
        return name + "." + appId;
    }
}
