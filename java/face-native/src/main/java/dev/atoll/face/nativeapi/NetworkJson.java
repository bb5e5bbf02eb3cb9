package dev.atoll.face.nativeapi;

import dev.atoll.domain.Cidr;
import dev.atoll.domain.DomainPattern;
import dev.atoll.domain.NetworkPolicy;
import dev.atoll.http.InvalidInputException;
import java.util.List;
import java.util.Optional;
import java.util.function.BiFunction;

/** {@code {"egress":"all"}}, with {@code deny} beside; {@code "none"}; {@code "only"} with any of the lists. */
record NetworkJson(
        Optional<String> egress,
        Optional<List<String>> allow,
        Optional<List<String>> deny,
        Optional<List<String>> domains) {
    private enum Egress {
        ALL,
        NONE,
        ONLY
    }

    static NetworkJson of(NetworkPolicy policy) {
        return switch (policy) {
            case NetworkPolicy.Open _ -> of(Egress.ALL);
            case NetworkPolicy.None _ -> of(Egress.NONE);
            case NetworkPolicy.Except except ->
                new NetworkJson(
                        Optional.of(Names.of(Egress.ALL)),
                        Optional.empty(),
                        Optional.of(texts(except.deny())),
                        Optional.empty());
            case NetworkPolicy.Only only ->
                new NetworkJson(
                        Optional.of(Names.of(Egress.ONLY)),
                        Optional.of(texts(only.allow())),
                        Optional.of(texts(only.deny())),
                        only.domains().map(NetworkJson::texts));
        };
    }

    private static NetworkJson of(Egress egress) {
        return new NetworkJson(
                Optional.of(Names.of(egress)), Optional.empty(), Optional.empty(), Optional.empty());
    }

    /** @param path what the object is called in the request, with a dot at its end; or nothing */
    NetworkPolicy policy(String path) {
        String field = path + "egress";
        Egress which = Names.parse(field, Input.require(field, egress), Egress.class);
        if (which != Egress.ONLY) {
            refuse(path + "allow", allow, "absent unless egress is only");
            refuse(path + "domains", domains, "absent unless egress is only");
        }
        return switch (which) {
            case ALL ->
                deny.filter(list -> !list.isEmpty()).isPresent()
                        ? new NetworkPolicy.Except(parsed(path + "deny", deny, Cidr::parse))
                        : NetworkPolicy.OPEN;
            case NONE -> {
                refuse(path + "deny", deny, "absent when egress is none");
                yield NetworkPolicy.NONE;
            }
            case ONLY ->
                new NetworkPolicy.Only(
                        parsed(path + "allow", allow, Cidr::parse),
                        parsed(path + "deny", deny, Cidr::parse),
                        domains.map(_ -> parsed(path + "domains", domains, DomainPattern::parse)));
        };
    }

    private static void refuse(String field, Optional<List<String>> list, String allowed) {
        if (list.isPresent()) {
            throw new InvalidInputException(field, list.get().toString(), allowed);
        }
    }

    private static <T> List<T> parsed(
            String field, Optional<List<String>> texts, BiFunction<String, String, T> parser) {
        List<String> list = texts.orElse(List.of());
        if (list.size() > NetworkPolicy.MAX_ENTRIES) {
            throw new InvalidInputException(
                    field, list.size() + " entries", "at most " + NetworkPolicy.MAX_ENTRIES + " entries");
        }
        return list.stream().map(text -> parser.apply(field, text)).toList();
    }

    private static List<String> texts(List<?> entries) {
        return entries.stream().map(Object::toString).toList();
    }
}
