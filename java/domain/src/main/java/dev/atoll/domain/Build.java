package dev.atoll.domain;

import java.time.Instant;
import java.util.Optional;

/**
 * The making of a template as it is at one instant.
 *
 * @param id of the template that comes of it, and of the build itself; there is such a template once
 *     the build SUCCEEDED
 * @param name of the template, empty = the id
 * @param step the instruction under way, counted from 1; 0 before the first
 * @param steps how many there are
 * @param logBytes how long the log is, with what was dropped of it
 */
public record Build(
        TemplateId id,
        ProjectId project,
        Optional<String> name,
        BuildStatus status,
        Optional<Failure> failure,
        int step,
        int steps,
        long logBytes,
        Instant createdAt,
        Optional<Instant> endedAt) {
    /**
     * Why it FAILED.
     *
     * @param message for people: what failed and how, without the step's output
     * @param line of the Dockerfile, counted from 1; 0 when no step was at fault
     * @param exitCode of the command, when one ended badly
     * @param output the last of what the failed step wrote, at most 8 KiB, as text
     */
    public record Failure(String message, int line, Optional<Integer> exitCode, String output) {}
}
