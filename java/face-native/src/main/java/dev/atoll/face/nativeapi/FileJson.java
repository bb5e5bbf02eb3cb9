package dev.atoll.face.nativeapi;

import dev.atoll.domain.FileInfo;
import java.time.Instant;
import java.util.Optional;

/** A file as clients read it. {@code mode} is octal digits. */
record FileJson(
        String path,
        String name,
        String type,
        long size,
        String mode,
        int uid,
        int gid,
        String owner,
        String group,
        Instant modifiedAt,
        Optional<String> linkTarget) {
    static FileJson of(FileInfo info) {
        return new FileJson(
                info.path(),
                info.name(),
                Names.of(info.type()),
                info.size(),
                Output.mode(info.mode()),
                info.uid(),
                info.gid(),
                info.owner(),
                info.group(),
                info.modifiedAt(),
                info.linkTarget());
    }
}
