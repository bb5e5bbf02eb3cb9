package dev.atoll.domain;

import java.util.List;
import java.util.Map;
import java.util.Optional;

/** What to change of a sandbox; an empty field stays as it is. Legal in every state but DELETED. */
public record SandboxChange(
        Optional<Map<String, String>> labels,
        Optional<List<LifecycleRule>> rules,
        Optional<NetworkPolicy> network,
        Optional<Map<String, String>> attributes,
        Optional<Integer> cpuMillis,
        Optional<Long> memoryBytes) {
    /** Changes nothing; a start for the {@code with} methods. */
    public static final SandboxChange NOTHING = new SandboxChange(
            Optional.empty(), Optional.empty(), Optional.empty(), Optional.empty(), Optional.empty(), Optional.empty());

    public SandboxChange withLabels(Map<String, String> value) {
        CreateSandbox.checkLabels(value);
        return new SandboxChange(Optional.of(value), rules, network, attributes, cpuMillis, memoryBytes);
    }

    public SandboxChange withRules(List<LifecycleRule> value) {
        return new SandboxChange(labels, Optional.of(value), network, attributes, cpuMillis, memoryBytes);
    }

    public SandboxChange withNetwork(NetworkPolicy value) {
        return new SandboxChange(labels, rules, Optional.of(value), attributes, cpuMillis, memoryBytes);
    }

    public SandboxChange withAttributes(Map<String, String> value) {
        return new SandboxChange(labels, rules, network, Optional.of(value), cpuMillis, memoryBytes);
    }

    public SandboxChange withLimits(Optional<Integer> cpu, Optional<Long> memory) {
        return new SandboxChange(labels, rules, network, attributes, cpu, memory);
    }
}
