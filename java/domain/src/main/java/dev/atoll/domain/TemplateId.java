package dev.atoll.domain;

/**
 * Names one template.
 *
 * @param value 32 lower-case hexadecimal characters, 128 random bits
 */
public record TemplateId(String value) {
    public TemplateId {
        Hex128.check("template", value);
    }

    @Override
    public String toString() {
        return value;
    }
}
