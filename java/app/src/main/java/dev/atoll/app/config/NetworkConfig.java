package dev.atoll.app.config;

import java.util.List;
import java.util.regex.Pattern;

/** What sandboxes reach. */
public record NetworkConfig(
        @Key("IPv4 subnet of the sandboxes' addresses.") String subnet,
        @Key("CIDRs that no sandbox reaches; a list here replaces the whole default.") List<String> deny,
        @Key("CIDRs allowed though denied otherwise.") List<String> allow,
        @Key("Resolvers that the forwarder asks for sandboxes; empty = those of /etc/resolv.conf.") List<String> upstream) {
    private static final Pattern IPV4_CIDR = Pattern.compile("\\d{1,3}(\\.\\d{1,3}){3}/\\d{1,2}");
    private static final Pattern CIDR = Pattern.compile("[0-9a-fA-F.:]{2,39}(/\\d{1,3})?");
    // After the patterns: its constructor uses them.
    static final NetworkConfig DEFAULTS = new NetworkConfig("10.200.0.0/16", denied(), List.of(), List.of());

    public NetworkConfig {
        deny = List.copyOf(deny);
        allow = List.copyOf(allow);
        upstream = List.copyOf(upstream);
        if (!IPV4_CIDR.matcher(subnet).matches()) {
            throw new IllegalArgumentException("network.subnet is '" + subnet + "'; allowed: an IPv4 subnet like 10.200.0.0/16");
        }
        checkAll("network.deny", deny);
        checkAll("network.allow", allow);
        checkAll("network.upstream", upstream);
    }

    /**
     * What is not the public internet (RFC 6890 and its successors), and the metadata address of Azure,
     * which is a public one. The three documentation ranges are left out: nobody routes them, and closed
     * networks use them for their own mirrors.
     */
    private static List<String> denied() {
        return List.of(
                "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "168.63.129.16/32", "169.254.0.0/16",
                "172.16.0.0/12", "192.0.0.0/24", "192.168.0.0/16", "198.18.0.0/15", "224.0.0.0/4", "240.0.0.0/4",
                "::1/128", "64:ff9b::/96", "fc00::/7", "fe80::/10", "ff00::/8");
    }

    private static void checkAll(String key, List<String> values) {
        for (String value : values) {
            if (!CIDR.matcher(value).matches()) {
                throw new IllegalArgumentException(key + " has '" + value + "'; allowed: addresses and CIDRs, v4 or v6");
            }
        }
    }
}
