package dev.atoll.store;

import dev.atoll.domain.LayerId;
import dev.atoll.domain.ProjectId;
import dev.atoll.domain.SnapshotId;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/**
 * What a step of a build left.
 *
 * @param key hash of all that the step depended on
 * @param snapshot the disk after it, in the pool
 * @param layers what that disk stands on, lowest first
 * @param layer the same as a layer, once a template ended with this step
 * @param usedBytes what the disk had allocated
 */
public record BuildStepRecord(
        String key,
        ProjectId project,
        SnapshotId snapshot,
        List<LayerId> layers,
        Optional<LayerId> layer,
        long usedBytes,
        Instant lastUsed) {
    public BuildStepRecord {
        layers = List.copyOf(layers);
    }

    public BuildStepRecord withLayer(Optional<LayerId> value) {
        return new BuildStepRecord(key, project, snapshot, layers, value, usedBytes, lastUsed);
    }
}
