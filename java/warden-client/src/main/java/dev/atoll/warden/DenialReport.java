package dev.atoll.warden;

import dev.atoll.domain.Egress;
import java.time.Instant;
import java.util.List;

/** @param since when the warden began to count */
public record DenialReport(Instant since, List<Egress.Denial> denials) {
    public DenialReport {
        denials = List.copyOf(denials);
    }
}
