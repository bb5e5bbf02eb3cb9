package dev.atoll.domain;

/** How a sandbox is held apart from the host and its neighbours. */
public enum Isolation {
    /** Namespaces, user namespace, seccomp: the host's kernel is shared. */
    CONTAINER,
    /** gVisor: a kernel in user space between the code and the host's kernel. */
    GVISOR,
    /** A virtual machine of its own. */
    MICROVM
}
