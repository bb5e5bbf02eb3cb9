package dev.atoll.app.config;

/** What is logged. The files lie in the state directory's log/. */
public record LogConfig(
        @Key("error, warn, info, debug or trace.") Level level,
        @Key("Of the engine's log: text, or json for one object a line; a request's lines carry its id in both.") Format format) {
    static final LogConfig DEFAULTS = new LogConfig(Level.INFO, Format.TEXT);

    /** How a line is written. */
    public enum Format {
        TEXT,
        JSON
    }

    /** From few to many lines. */
    public enum Level {
        ERROR,
        WARN,
        INFO,
        DEBUG,
        TRACE
    }
}
