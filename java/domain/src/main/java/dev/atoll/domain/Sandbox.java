package dev.atoll.domain;

import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A sandbox as it is at one instant. Immutable; a later read may differ.
 *
 * @param name unique among the living sandboxes of its project
 * @param labels at most 64; keys and values at most 256 characters
 * @param template what it was started from
 * @param templateName as the caller wrote it or the template is called
 * @param env default environment of its processes; what secrets add to it is not shown
 * @param user default user of its processes and file operations
 * @param workdir default directory, empty for the user's home
 * @param attributes what a face stores with the sandbox and the engine does not read
 * @param underWay the command being carried out, if one is
 * @param failure why it is FAILED
 * @param generation +1 at every boot, so that a stale connection can be told
 * @param stateSince when it entered its state
 * @param entrypoint the process it is for
 * @param outcome how it ended, of one that is DELETED after it was RUNNING
 * @param volumes mounted at every start
 * @param hold why it stands still at the moment, when it does without having been asked
 */
public record Sandbox(
        SandboxId id,
        ProjectId project,
        String name,
        Map<String, String> labels,
        TemplateId template,
        String templateName,
        Isolation isolation,
        Resources resources,
        Map<String, String> env,
        String user,
        String workdir,
        NetworkPolicy network,
        List<LifecycleRule> rules,
        Map<String, String> attributes,
        SandboxState state,
        Optional<Operation.UnderWay> underWay,
        Optional<String> failure,
        long generation,
        Optional<SandboxId> parent,
        Instant createdAt,
        Instant stateSince,
        Instant lastActivity,
        Optional<Entrypoint> entrypoint,
        Optional<Outcome> outcome,
        List<VolumeMount> volumes,
        Optional<Hold> hold) {
    public Sandbox {
        labels = Map.copyOf(labels);
        env = Map.copyOf(env);
        rules = List.copyOf(rules);
        attributes = Map.copyOf(attributes);
        volumes = List.copyOf(volumes);
    }
}
