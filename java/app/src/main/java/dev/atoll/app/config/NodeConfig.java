package dev.atoll.app.config;

import java.util.regex.Pattern;

/** This node and what it is called in the kernel. */
public record NodeConfig(
        @Key("Name of this instance in the kernel (cgroups, interfaces, /run/atoll/<instance>): 1 to 12 of a-z 0-9.")
        String instance,
        @Key("Directory of the pool and the database. Survives reboots.") String stateDir,
        @Key("Unprivileged user that the engine runs as; made when missing.") String user,
        @Key("First host id of the sandboxes' users; sandbox n owns 65536 ids from id_base + n * 65536.") long idBase,
        @Key("Sandboxes and prepared slots that may live at the same time, 1 to 8192.") int maxSandboxes) {
    private static final Pattern INSTANCE = Pattern.compile("[a-z0-9]{1,12}");
    private static final Pattern USER = Pattern.compile("[a-z_][a-z0-9_-]{0,30}");
    private static final int IDS_PER_SANDBOX = 65_536;
    static final NodeConfig DEFAULTS = new NodeConfig("default", "/var/lib/atoll", "atoll", 0x4000_0000L, 1024);

    public NodeConfig {
        if (!INSTANCE.matcher(instance).matches()) {
            throw new IllegalArgumentException("node.instance is '" + instance + "'; allowed: 1 to 12 of a-z 0-9");
        }
        if (!USER.matcher(user).matches()) {
            throw new IllegalArgumentException("node.user is '" + user + "'; allowed: a user name");
        }
        Bounds.absolute("node.state_dir", stateDir);
        Bounds.range("node.max_sandboxes", maxSandboxes, 1, 8192);
        // The kernel bounds ping_group_range by 2^31 - 1, and id 0's range is the host's.
        Bounds.range("node.id_base", idBase, IDS_PER_SANDBOX, (1L << 31) - (long) maxSandboxes * IDS_PER_SANDBOX);
    }
}
