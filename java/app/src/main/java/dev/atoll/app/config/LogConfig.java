package dev.atoll.app.config;

/** What is logged. The files lie in the state directory's log/. */
public record LogConfig(@Key("error, warn, info, debug or trace.") Level level) {
    static final LogConfig DEFAULTS = new LogConfig(Level.INFO);

    /** From few to many lines. */
    public enum Level {
        ERROR,
        WARN,
        INFO,
        DEBUG,
        TRACE
    }
}
