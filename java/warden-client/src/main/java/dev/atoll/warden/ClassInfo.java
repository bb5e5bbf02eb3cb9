package dev.atoll.warden;

import dev.atoll.domain.Isolation;
import java.util.Optional;

/**
 * What a warden can do of an isolation class.
 *
 * @param absent why it makes no sandboxes of this class, when it does not
 * @param memory whether memory can be saved and gone on from
 */
public record ClassInfo(Isolation isolation, Optional<String> absent, boolean memory) {}
