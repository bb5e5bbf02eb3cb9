package dev.atoll.domain;

import java.time.Instant;
import java.util.Optional;

/** A file inside a sandbox; every field is hostile input. Names that are no UTF-8 have U+FFFD where they are not. */
public record FileInfo(
        String path,
        String name,
        Type type,
        long size,
        int mode,
        int uid,
        int gid,
        String owner,
        String group,
        Instant modifiedAt,
        Optional<String> linkTarget) {
    /** What kind of file. */
    public enum Type {
        FILE,
        DIRECTORY,
        SYMLINK,
        FIFO,
        SOCKET,
        CHARACTER_DEVICE,
        BLOCK_DEVICE,
        OTHER
    }
}
