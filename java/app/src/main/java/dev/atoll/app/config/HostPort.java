package dev.atoll.app.config;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;

/**
 * Where a listener listens: {@code 127.0.0.1:3000}, {@code 0.0.0.0:80}, {@code [::1]:8080}.
 *
 * @param host an address or name of this machine, without brackets
 * @param port 0 to 65,535; 0 = any free one
 */
public record HostPort(String host, int port) {
    public HostPort {
        if (host.isBlank() || port < 0 || port > 65_535) {
            throw new IllegalArgumentException("'" + host + ":" + port + "' is not HOST:PORT with a port of 0 to 65535");
        }
    }

    /** @throws IllegalArgumentException when the text is not HOST:PORT */
    public static HostPort parse(String text) {
        int colon = text.lastIndexOf(':');
        String port = text.substring(colon + 1);
        if (colon < 1 || !port.matches("\\d{1,5}")) {
            throw new IllegalArgumentException("'" + text + "' is not like 127.0.0.1:3000");
        }
        String host = text.substring(0, colon);
        return new HostPort(host.startsWith("[") && host.endsWith("]") ? host.substring(1, host.length() - 1) : host, Integer.parseInt(port));
    }

    public HostPort withHost(String value) {
        return new HostPort(value, port);
    }

    /** Where a client on this machine reaches it. */
    public String localUrl() {
        String reached = switch (host) {
            case "0.0.0.0" -> "127.0.0.1";
            case "::" -> "::1";
            default -> host;
        };
        return "http://" + new HostPort(reached, port);
    }

    /** YAML reads a text without a unit as a number: it gets the same message. */
    @JsonCreator(mode = JsonCreator.Mode.DELEGATING)
    static HostPort of(Object value) {
        return parse(value.toString());
    }

    @JsonValue
    @Override
    public String toString() {
        return (host.contains(":") ? "[" + host + "]" : host) + ":" + port;
    }
}
