package dev.atoll.domain;

/** What a sandbox may reach. Private, link-local and metadata addresses are denied by the node in any case. */
public sealed interface NetworkPolicy {
    /** Public addresses. */
    record Open() implements NetworkPolicy {}

    /** Nothing, names included. */
    record None() implements NetworkPolicy {}

    NetworkPolicy OPEN = new Open();
    NetworkPolicy NONE = new None();
}
