package dev.atoll.face.daytona;

import dev.atoll.domain.Cidr;
import dev.atoll.domain.DomainPattern;
import dev.atoll.domain.InvalidFieldException;
import dev.atoll.domain.NetworkPolicy;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;

/**
 * The vendor's three fields about the network, as they come in a create and in network-settings.
 *
 * @param networkAllowList addresses and CIDRs with commas between; nothing else may be reached
 * @param domainAllowList names with commas between; nothing else may be reached
 */
record NetworkSettings(
        @Nullable Boolean networkBlockAll, @Nullable String networkAllowList, @Nullable String domainAllowList) {
    NetworkPolicy policy() {
        Optional<List<Cidr>> ranges = list("networkAllowList", networkAllowList, Cidr::parse);
        Optional<List<DomainPattern>> domains = list("domainAllowList", domainAllowList, DomainPattern::parse);
        if (Boolean.TRUE.equals(networkBlockAll)) {
            return NetworkPolicy.NONE;
        }
        if (ranges.isEmpty() && domains.isEmpty()) {
            return NetworkPolicy.OPEN;
        }
        return new NetworkPolicy.Only(ranges.orElse(List.of()), List.of(), domains);
    }

    /** As a client reads them; a policy that another face gave may say more. */
    static NetworkSettings of(NetworkPolicy policy) {
        return switch (policy) {
            case NetworkPolicy.Open _, NetworkPolicy.Except _ -> new NetworkSettings(false, null, null);
            case NetworkPolicy.None _ -> new NetworkSettings(true, null, null);
            case NetworkPolicy.Only only ->
                new NetworkSettings(
                        false,
                        only.allow().isEmpty() ? null : joined(only.allow()),
                        only.domains().map(NetworkSettings::joined).orElse(null));
        };
    }

    private static <T> Optional<List<T>> list(
            String field, @Nullable String text, BiFunction<String, String, T> parser) {
        if (text == null || text.isBlank()) {
            return Optional.empty();
        }
        List<String> entries = Arrays.stream(text.split(",", -1)).map(String::strip).toList();
        InvalidFieldException.requireRange(field + ".size", entries.size(), 1, NetworkPolicy.MAX_ENTRIES);
        return Optional.of(entries.stream().map(entry -> parser.apply(field, entry)).toList());
    }

    private static String joined(List<?> entries) {
        return String.join(",", entries.stream().map(Object::toString).toList());
    }
}
