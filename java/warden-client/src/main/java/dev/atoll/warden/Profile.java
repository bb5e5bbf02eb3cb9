package dev.atoll.warden;

/** Which system calls and capabilities a sandbox gets. */
public enum Profile {
    STANDARD,
    /** Also mounts and nested containers, inside its own user namespace. */
    EXTENDED
}
