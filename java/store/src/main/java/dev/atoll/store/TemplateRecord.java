package dev.atoll.store;

import dev.atoll.domain.Template;

/** A template and how far its command got. */
public record TemplateRecord(Template template, MakeState state) {
    public TemplateRecord withState(MakeState value) {
        return new TemplateRecord(template, value);
    }
}
