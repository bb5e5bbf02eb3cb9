package dev.atoll.app.run;

/** Something that the operator must put right; the message is one line that says what. */
public final class OperatorException extends RuntimeException {
    private static final long serialVersionUID = 1;

    public OperatorException(String message) {
        super(message);
    }
}
