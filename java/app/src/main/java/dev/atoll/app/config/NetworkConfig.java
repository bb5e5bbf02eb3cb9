package dev.atoll.app.config;

import java.util.List;
import java.util.regex.Pattern;

/** What sandboxes reach. */
public record NetworkConfig(
        @Key("IPv4 subnet of the sandboxes' addresses.") String subnet,
        @Key("CIDRs denied besides the host's loopback, RFC 1918, CGNAT, link-local, metadata, ULA and multicast.")
        List<String> deny,
        @Key("CIDRs allowed though denied otherwise.") List<String> allow,
        @Key("Resolvers that the forwarder asks for sandboxes; empty = those of /etc/resolv.conf.") List<String> upstream) {
    private static final Pattern IPV4_CIDR = Pattern.compile("\\d{1,3}(\\.\\d{1,3}){3}/\\d{1,2}");
    private static final Pattern CIDR = Pattern.compile("[0-9a-fA-F.:]{2,39}(/\\d{1,3})?");
    // After the patterns: its constructor uses them.
    static final NetworkConfig DEFAULTS = new NetworkConfig("10.200.0.0/16", List.of(), List.of(), List.of());

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

    private static void checkAll(String key, List<String> values) {
        for (String value : values) {
            if (!CIDR.matcher(value).matches()) {
                throw new IllegalArgumentException(key + " has '" + value + "'; allowed: addresses and CIDRs, v4 or v6");
            }
        }
    }
}
