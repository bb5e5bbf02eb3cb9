package dev.atoll.warden;

/**
 * A sandbox whose guest program was executed. That the guest runs is seen when it dials.
 *
 * @param pid of its PID 1, in the host's numbering
 * @param startTime field 22 of {@code /proc/<pid>/stat}; with the pid it names the process for good
 * @param address its IPv4 address
 * @param diskBytes size of its disk: for a fresh one the next class of what was asked
 */
public record Claimed(int pid, long startTime, String address, int index, long diskBytes) {}
