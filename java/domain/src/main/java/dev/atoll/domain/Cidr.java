package dev.atoll.domain;

import java.net.Inet4Address;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.util.regex.Pattern;

/**
 * A range of IPv4 or IPv6 addresses.
 *
 * @param length leading bits that the addresses share, 0 to 32 or 128
 */
public record Cidr(InetAddress address, int length) {
    private static final String ALLOWED =
            "an IPv4 or IPv6 address, or a CIDR like 203.0.113.0/24 with no bit set beyond its length";
    private static final Pattern IPV4 = Pattern.compile("(?:(?:0|[1-9][0-9]{0,2})(?:\\.(?!$)|$)){4}");
    private static final Pattern IPV6 = Pattern.compile("[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*");
    private static final Pattern LENGTH = Pattern.compile("0|[1-9][0-9]{0,2}");

    /**
     * An address alone is the range of it.
     *
     * @param field what the caller calls it
     * @throws InvalidFieldException when it is none, or says bits that do not count
     */
    public static Cidr parse(String field, String text) {
        int slash = text.indexOf('/');
        InetAddress address = address(field, text, slash < 0 ? text : text.substring(0, slash));
        int bits = address.getAddress().length * 8;
        int length = slash < 0 ? bits : length(field, text, text.substring(slash + 1));
        if (length > bits || !endsInZeros(address.getAddress(), length)) {
            throw new InvalidFieldException(field, text, ALLOWED);
        }
        return new Cidr(address, length);
    }

    private static InetAddress address(String field, String text, String address) {
        try {
            if (IPV4.matcher(address).matches()) {
                return Inet4Address.ofLiteral(address);
            }
            // One that stands for an IPv4 address becomes that, and the length counts other bits then.
            if (IPV6.matcher(address).matches() && InetAddress.ofLiteral(address) instanceof Inet6Address six) {
                return six;
            }
        } catch (IllegalArgumentException e) {
            throw new InvalidFieldException(field, text, ALLOWED);
        }
        throw new InvalidFieldException(field, text, ALLOWED);
    }

    private static int length(String field, String text, String digits) {
        if (!LENGTH.matcher(digits).matches()) {
            throw new InvalidFieldException(field, text, ALLOWED);
        }
        return Integer.parseInt(digits);
    }

    private static boolean endsInZeros(byte[] address, int from) {
        for (int bit = from; bit < address.length * 8; bit++) {
            if ((address[bit / 8] >> (7 - bit % 8) & 1) != 0) {
                return false;
            }
        }
        return true;
    }

    /** {@code address/length}. */
    @Override
    public String toString() {
        return address.getHostAddress() + "/" + length;
    }
}
