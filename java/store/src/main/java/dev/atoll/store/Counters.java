package dev.atoll.store;

/**
 * What was used: a total, or the part to add to one.
 *
 * @param cpuMicros microseconds of CPU time
 * @param memoryByteSeconds memory integrated over time
 * @param diskByteSeconds allocated disk integrated over time
 * @param networkReceived bytes
 * @param networkSent bytes
 */
public record Counters(
        long cpuMicros,
        long memoryByteSeconds,
        long diskByteSeconds,
        long networkReceived,
        long networkSent,
        long oomKills) {
    public static final Counters ZERO = new Counters(0, 0, 0, 0, 0, 0);

    public Counters minus(Counters other) {
        return new Counters(
                cpuMicros - other.cpuMicros,
                memoryByteSeconds - other.memoryByteSeconds,
                diskByteSeconds - other.diskByteSeconds,
                networkReceived - other.networkReceived,
                networkSent - other.networkSent,
                oomKills - other.oomKills);
    }

    public Counters plus(Counters other) {
        return new Counters(
                cpuMicros + other.cpuMicros,
                memoryByteSeconds + other.memoryByteSeconds,
                diskByteSeconds + other.diskByteSeconds,
                networkReceived + other.networkReceived,
                networkSent + other.networkSent,
                oomKills + other.oomKills);
    }
}
