package dev.atoll.domain;

import java.util.Optional;

/** A change below a watched directory. */
public record WatchEvent(Kind kind, String path, Optional<String> oldPath, boolean directory) {
    /** What happened; OVERFLOW: events were lost, look again. */
    public enum Kind {
        CREATED,
        MODIFIED,
        REMOVED,
        RENAMED,
        CHMOD,
        OVERFLOW
    }
}
