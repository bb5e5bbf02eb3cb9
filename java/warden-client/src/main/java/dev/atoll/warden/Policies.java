package dev.atoll.warden;

import dev.atoll.domain.Cidr;
import dev.atoll.domain.DomainPattern;
import dev.atoll.domain.Egress;
import dev.atoll.domain.NetworkPolicy;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/** Network policies and denials between the generated messages and the domain. */
final class Policies {
    private Policies() {}

    /** Empty for what the instance allows to all. */
    static Optional<dev.atoll.warden.proto.NetworkPolicy> toWire(NetworkPolicy policy) {
        var out = dev.atoll.warden.proto.NetworkPolicy.newBuilder();
        switch (policy) {
            case NetworkPolicy.Open _ -> {
                return Optional.empty();
            }
            case NetworkPolicy.None _ -> out.setNamesListed(true);
            case NetworkPolicy.Except except -> out.setRest(true).addAllDeny(texts(except.deny()));
            case NetworkPolicy.Only only -> {
                out.addAllAllow(texts(only.allow())).addAllDeny(texts(only.deny()));
                only.domains().ifPresent(names -> out.setNamesListed(true).addAllNames(texts(names)));
            }
        }
        return Optional.of(out.build());
    }

    /** A policy that allows nothing is {@link NetworkPolicy#NONE}. */
    static NetworkPolicy fromWire(dev.atoll.warden.proto.NetworkPolicy in) {
        List<Cidr> deny = cidrs(in.getDenyList());
        if (in.getRest()) {
            return new NetworkPolicy.Except(deny);
        }
        if (in.getNamesListed() && in.getAllowCount() + in.getDenyCount() + in.getNamesCount() == 0) {
            return NetworkPolicy.NONE;
        }
        Optional<List<DomainPattern>> names = Optional.of(in.getNamesList().stream()
                        .map(name -> DomainPattern.parse("names", name))
                        .toList())
                .filter(_ -> in.getNamesListed());
        return new NetworkPolicy.Only(cidrs(in.getAllowList()), deny, names);
    }

    static DenialReport denials(dev.atoll.warden.proto.DenialReport in) {
        return new DenialReport(
                Instant.ofEpochMilli(in.getSinceMs()),
                in.getDenialsList().stream().map(Policies::denial).toList());
    }

    private static Egress.Denial denial(dev.atoll.warden.proto.DenialReport.Denial in) {
        return new Egress.Denial(
                Instant.ofEpochMilli(in.getFirstMs()),
                Instant.ofEpochMilli(in.getLastMs()),
                in.getCount(),
                in.getProtocol(),
                Optional.of(in.getAddress()).filter(address -> !address.isEmpty()),
                in.getPort(),
                in.getName(),
                reason(in.getReason()));
    }

    private static Egress.Reason reason(String reason) {
        return switch (reason) {
            case "node" -> Egress.Reason.NODE;
            case "name" -> Egress.Reason.NAME;
            case "no-name" -> Egress.Reason.NO_NAME;
            case "rebinding" -> Egress.Reason.REBINDING;
            case "kind" -> Egress.Reason.KIND;
            case "malformed" -> Egress.Reason.MALFORMED;
            case "capacity" -> Egress.Reason.CAPACITY;
            default -> Egress.Reason.POLICY;
        };
    }

    private static List<String> texts(List<?> entries) {
        return entries.stream().map(Object::toString).toList();
    }

    private static List<Cidr> cidrs(List<String> texts) {
        return texts.stream().map(text -> Cidr.parse("ranges", text)).toList();
    }
}
