package dev.atoll.image.registry;

import dev.atoll.domain.ImageException;
import dev.atoll.domain.ImageException.Reason;
import java.net.InetAddress;
import java.net.URI;
import java.net.UnknownHostException;
import java.util.Arrays;
import java.util.HexFormat;

/**
 * Which addresses the engine connects to for a caller: those of the public network, others only when the
 * operator named the registry, so that an image's name reaches nothing of the operator's own network.
 */
final class Addresses {
    /** RFC 6052: 64:ff9b::/96, the last four bytes an IPv4 address; networks without IPv4 reach all of it so. */
    private static final String NAT64 = "0064ff9b" + "0".repeat(16);
    /** RFC 8215: 64:ff9b:1::/48, for translation within one network. */
    private static final String LOCAL_NAT64 = "0064ff9b0001";
    /** RFC 3056: 2002::/16, the next four bytes an IPv4 address. */
    private static final String SIX_TO_FOUR = "2002";
    /** RFC 4380: 2001::/32. */
    private static final String TEREDO = "20010000";
    /** RFC 4291: ::/96. */
    private static final String V4_COMPATIBLE = "0".repeat(24);

    private Addresses() {}

    /** @throws ImageException REFUSED when the host has an address of a private network, UNREACHABLE when it has none */
    static void requirePublic(URI uri) {
        InetAddress[] all;
        try {
            all = InetAddress.getAllByName(uri.getHost());
        } catch (UnknownHostException e) {
            throw new ImageException(Reason.UNREACHABLE, "the name " + uri.getHost() + " cannot be resolved");
        }
        for (InetAddress address : all) {
            if (isPrivate(address)) {
                throw new ImageException(Reason.REFUSED, uri.getHost()
                        + " has an address that is not of the public network; an operator allows it by naming it under images.registries");
            }
        }
    }

    /** Whether an address is of no use on the public network, or leads to such a one. */
    static boolean isPrivate(InetAddress address) {
        byte[] bytes = address.getAddress();
        if (address.isAnyLocalAddress() || address.isLoopbackAddress() || address.isLinkLocalAddress()
                || address.isSiteLocalAddress() || address.isMulticastAddress()) {
            return true;
        }
        return bytes.length == 4 ? isReserved(bytes) : isPrivate6(bytes);
    }

    private static boolean isReserved(byte[] v4) {
        int first = v4[0] & 0xff;
        int second = v4[1] & 0xff;
        // "This network"; RFC 6598, between a provider and its customers; RFC 6890, of protocols; RFC 2544,
        // of benchmarks; RFC 1112, reserved, with broadcast.
        return first == 0
                || first == 100 && (second & 0xc0) == 64
                || first == 192 && second == 0 && v4[2] == 0
                || first == 198 && (second & 0xfe) == 18
                || first >= 240;
    }

    private static boolean isPrivate6(byte[] v6) {
        if (begins(v6, NAT64)) {
            return isPrivate4(v6, 12);
        }
        if (begins(v6, SIX_TO_FOUR)) {
            return isPrivate4(v6, 2);
        }
        boolean uniqueLocal = (v6[0] & 0xfe) == 0xfc;
        return uniqueLocal || begins(v6, LOCAL_NAT64) || begins(v6, TEREDO) || begins(v6, V4_COMPATIBLE);
    }

    /** The IPv4 address that a gateway finds in one of IPv6. */
    private static boolean isPrivate4(byte[] v6, int offset) {
        try {
            return isPrivate(InetAddress.getByAddress(Arrays.copyOfRange(v6, offset, offset + 4)));
        } catch (UnknownHostException e) {
            throw new IllegalStateException("four bytes are an address", e);
        }
    }

    private static boolean begins(byte[] v6, String prefix) {
        return HexFormat.of().formatHex(v6).startsWith(prefix);
    }
}
