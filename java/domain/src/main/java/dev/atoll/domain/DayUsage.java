package dev.atoll.domain;

import java.time.LocalDate;

/**
 * What the sandboxes of a project used on a day (UTC).
 *
 * @param cpuSeconds active CPU time
 * @param memoryByteSeconds memory integrated over time
 * @param diskByteSeconds allocated bytes of the disks of those that lived, integrated over time
 */
public record DayUsage(
        ProjectId project,
        LocalDate day,
        double cpuSeconds,
        double memoryByteSeconds,
        double diskByteSeconds,
        long networkReceivedBytes,
        long networkSentBytes,
        long oomKills) {}
