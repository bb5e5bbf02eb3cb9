package dev.atoll.face.nativeapi;

import dev.atoll.domain.ActivityKind;
import dev.atoll.domain.LifecycleRule;
import dev.atoll.domain.SandboxState;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/** A lifecycle rule both ways. */
record RuleJson(
        Optional<String> in,
        Optional<String> since,
        Optional<Double> afterSeconds,
        Optional<String> action,
        Optional<List<String>> counts) {
    static RuleJson of(LifecycleRule rule) {
        return new RuleJson(
                Optional.of(Names.of(rule.in())),
                Optional.of(Names.of(rule.since())),
                Optional.of(Output.seconds(rule.after())),
                Optional.of(Names.of(rule.action())),
                rule.counts().isEmpty()
                        ? Optional.empty()
                        : Optional.of(rule.counts().stream().map(Names::of).sorted().toList()));
    }

    LifecycleRule rule() {
        return new LifecycleRule(
                Names.parse("rules.in", in.orElse("running"), SandboxState.class),
                Names.parse("rules.since", since.orElse("lastActivity"), LifecycleRule.Since.class),
                Input.seconds("rules.afterSeconds", Optional.of(Input.require("rules.afterSeconds", afterSeconds))),
                Names.parse("rules.action", Input.require("rules.action", action), LifecycleRule.Action.class),
                counts.orElse(List.of()).stream()
                        .map(kind -> Names.parse("rules.counts", kind, ActivityKind.class))
                        .collect(Collectors.toSet()));
    }
}
