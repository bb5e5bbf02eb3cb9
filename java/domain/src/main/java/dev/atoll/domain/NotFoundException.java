package dev.atoll.domain;

/** There is no such thing, or the caller may not know of it. */
public final class NotFoundException extends AtollException {
    private static final long serialVersionUID = 1;

    private final String kind;
    private final String reference;

    /** @param kind "sandbox", "snapshot", "template", "process", "key" */
    public NotFoundException(String kind, String reference) {
        super(kind + " '" + reference + "' not found");
        this.kind = kind;
        this.reference = reference;
    }

    /** @param hint what there is instead, told after the message */
    public NotFoundException(String kind, String reference, String hint) {
        super(kind + " '" + reference + "' not found; " + hint);
        this.kind = kind;
        this.reference = reference;
    }

    public String kind() {
        return kind;
    }

    public String reference() {
        return reference;
    }
}
