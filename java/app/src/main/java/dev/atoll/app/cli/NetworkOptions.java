package dev.atoll.app.cli;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import picocli.CommandLine.Option;

/** The lists of a network policy. */
final class NetworkOptions {
    @Option(names = "--allow", paramLabel = "CIDR", description = "Only this may be reached, and what other --allow and --domain name.")
    private List<String> allow = List.of();

    @Option(names = "--domain", paramLabel = "NAME", description = "Only this name may be reached, *.NAME for all below; and what other --allow and --domain name.")
    private List<String> domains = List.of();

    @Option(names = "--deny", paramLabel = "CIDR", description = "This may not be reached.")
    private List<String> deny = List.of();

    /** The policy that the lists say; empty without any. */
    Optional<Map<String, Object>> request() {
        if (allow.isEmpty() && domains.isEmpty() && deny.isEmpty()) {
            return Optional.empty();
        }
        var request = new LinkedHashMap<String, Object>();
        boolean only = !allow.isEmpty() || !domains.isEmpty();
        request.put("egress", only ? "only" : "all");
        if (!deny.isEmpty()) {
            request.put("deny", deny);
        }
        if (!allow.isEmpty()) {
            request.put("allow", allow);
        }
        if (!domains.isEmpty()) {
            request.put("domains", domains);
        }
        return Optional.of(request);
    }
}
