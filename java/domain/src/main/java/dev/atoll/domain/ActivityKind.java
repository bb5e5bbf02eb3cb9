package dev.atoll.domain;

/** What counts as use of a sandbox for an idle rule. */
public enum ActivityKind {
    /** A call that names the sandbox and does something in it. */
    API_CALL,
    /** A process started through the API is running. */
    PROCESS_RUNNING,
    STDIN,
    /** An open byte pipe to a port. */
    TUNNEL,
    PROXIED_REQUEST
}
