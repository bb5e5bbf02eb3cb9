package dev.atoll.engine;

import dev.atoll.domain.Hold;
import dev.atoll.domain.LifecycleRule;
import dev.atoll.domain.NetworkPolicy;
import dev.atoll.domain.Operation;
import dev.atoll.domain.Outcome;
import dev.atoll.domain.Resources;
import dev.atoll.domain.Sandbox;
import dev.atoll.domain.SandboxChange;
import dev.atoll.domain.SandboxState;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Makes the next value of a {@link Sandbox} from the one before; used by its owner only. */
final class SandboxEdit {
    private final Sandbox base;
    private Map<String, String> labels;
    private Map<String, String> attributes;
    private List<LifecycleRule> rules;
    private NetworkPolicy network;
    private Resources resources;
    private SandboxState state;
    private Instant stateSince;
    private Optional<Operation.UnderWay> underWay;
    private Optional<String> failure;
    private long generation;
    private Instant lastActivity;
    private Optional<Outcome> outcome;
    private Optional<Hold> hold;

    private SandboxEdit(Sandbox base) {
        this.base = base;
        labels = base.labels();
        attributes = base.attributes();
        rules = base.rules();
        network = base.network();
        resources = base.resources();
        state = base.state();
        stateSince = base.stateSince();
        underWay = base.underWay();
        failure = base.failure();
        generation = base.generation();
        lastActivity = base.lastActivity();
        outcome = base.outcome();
        hold = base.hold();
    }

    static SandboxEdit of(Sandbox base) {
        return new SandboxEdit(base);
    }

    /** Enters a state; that it is in already keeps its instant. */
    SandboxEdit enter(SandboxState next, Instant at) {
        if (next != state) {
            state = next;
            stateSince = at;
        }
        return this;
    }

    SandboxEdit underWay(Optional<Operation.UnderWay> value) {
        underWay = value;
        return this;
    }

    SandboxEdit failure(Optional<String> value) {
        failure = value;
        return this;
    }

    SandboxEdit generation(long value) {
        generation = value;
        return this;
    }

    SandboxEdit diskBytes(long value) {
        resources = new Resources(resources.cpuMillis(), resources.memoryBytes(), value, resources.gpus());
        return this;
    }

    SandboxEdit lastActivity(Instant value) {
        lastActivity = value;
        return this;
    }

    SandboxEdit outcome(Optional<Outcome> value) {
        outcome = value;
        return this;
    }

    SandboxEdit hold(Optional<Hold> value) {
        hold = value;
        return this;
    }

    SandboxEdit apply(SandboxChange change) {
        labels = change.labels().orElse(labels);
        attributes = change.attributes().orElse(attributes);
        rules = change.rules().orElse(rules);
        network = change.network().orElse(network);
        resources = new Resources(
                change.cpuMillis().orElse(resources.cpuMillis()),
                change.memoryBytes().orElse(resources.memoryBytes()),
                resources.diskBytes(),
                resources.gpus());
        return this;
    }

    Sandbox done() {
        return new Sandbox(
                base.id(), base.project(), base.name(), labels, base.template(), base.templateName(), base.isolation(),
                resources, base.env(), base.user(), base.workdir(), network, rules, attributes, state, underWay,
                failure, generation, base.parent(), base.createdAt(), stateSince, lastActivity, base.entrypoint(),
                outcome, base.volumes(), hold);
    }
}
