package dev.atoll.face.daytona;

/** {@code /toolbox/{sandbox}/…}: what the vendor's proxy forwards to the daemon of a sandbox. */
final class ToolboxPath {
    static final String PREFIX = "/toolbox";

    private ToolboxPath() {}

    static boolean isToolbox(String path) {
        return path.startsWith(PREFIX + "/");
    }

    /** The part behind the sandbox's id, as the daemon sees it. */
    static String inside(String path) {
        int slash = path.indexOf('/', PREFIX.length() + 1);
        return slash < 0 ? "/" : path.substring(slash);
    }
}
