package dev.atoll.image.registry;

import dev.atoll.domain.ImageException;
import dev.atoll.domain.ImageException.Reason;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.URI;
import java.net.UnknownHostException;

/**
 * Which addresses the engine connects to for a caller: those of the public network, others only when the
 * operator named the registry, so that an image's name reaches nothing of the operator's own network.
 */
final class Addresses {
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

    private static boolean isPrivate(InetAddress address) {
        byte[] bytes = address.getAddress();
        boolean uniqueLocal = address instanceof Inet6Address && (bytes[0] & 0xfe) == 0xfc;
        // RFC 6598, between a provider and its customers.
        boolean carrier = bytes.length == 4 && (bytes[0] & 0xff) == 100 && (bytes[1] & 0xc0) == 64;
        return address.isAnyLocalAddress() || address.isLoopbackAddress() || address.isLinkLocalAddress()
                || address.isSiteLocalAddress() || address.isMulticastAddress() || uniqueLocal || carrier;
    }
}
