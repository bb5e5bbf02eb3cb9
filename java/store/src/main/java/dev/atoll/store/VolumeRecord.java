package dev.atoll.store;

import dev.atoll.domain.Volume;

/** A volume and how far its command got. */
public record VolumeRecord(Volume volume, MakeState state) {
    public VolumeRecord withState(MakeState value) {
        return new VolumeRecord(volume, value);
    }
}
