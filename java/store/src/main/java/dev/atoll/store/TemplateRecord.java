package dev.atoll.store;

import dev.atoll.domain.Template;
import java.util.Optional;

/**
 * A template and how far its command got.
 *
 * @param buildKey hash of all that it was built from, when it was
 */
public record TemplateRecord(Template template, Optional<String> buildKey, MakeState state) {
    public TemplateRecord withState(MakeState value) {
        return new TemplateRecord(template, buildKey, value);
    }
}
