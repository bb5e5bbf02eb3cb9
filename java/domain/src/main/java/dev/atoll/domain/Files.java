package dev.atoll.domain;

import java.io.InputStream;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * Files inside sandboxes. Every operation is done by the guest, inside, with the rights of the
 * context's user: no host process resolves these paths. Paths are absolute or relative to the
 * context, at most 4,096 bytes, without NUL; {@code ~} is the user's home. Legal while RUNNING.
 * Errors of the file system are {@link GuestException}.
 */
public interface Files {
    FileInfo stat(Caller caller, SandboxId sandbox, FileContext context, String path, boolean followLink);

    /** @param depth 1 = the directory's own entries; @param limit 1 to 1,000,000 entries, more is an error */
    List<FileInfo> list(Caller caller, SandboxId sandbox, FileContext context, String path, int depth, int limit);

    /** @param length -1 = to the end */
    FileDownload read(
            Caller caller, SandboxId sandbox, FileContext context, String path, long offset, long length);

    /** Replaces atomically: a reader inside sees the old or the new content. */
    FileInfo write(
            Caller caller,
            SandboxId sandbox,
            FileContext context,
            String path,
            WriteOptions options,
            InputStream content);

    void mkdir(
            Caller caller, SandboxId sandbox, FileContext context, String path, OptionalInt mode, boolean parents,
            boolean existOk);

    void remove(Caller caller, SandboxId sandbox, FileContext context, String path, boolean recursive, boolean missingOk);

    void rename(
            Caller caller, SandboxId sandbox, FileContext context, String source, String destination,
            boolean noReplace);

    void copy(
            Caller caller, SandboxId sandbox, FileContext context, String source, String destination,
            boolean recursive);

    void chmod(Caller caller, SandboxId sandbox, FileContext context, String path, int mode, boolean recursive);

    /** Names or numbers; empty = leave. */
    void chown(
            Caller caller, SandboxId sandbox, FileContext context, String path, Optional<String> owner,
            Optional<String> group, boolean recursive);

    List<TextMatch> search(
            Caller caller, SandboxId sandbox, FileContext context, String path, String pattern, boolean regex,
            int limit);

    List<FileInfo> glob(
            Caller caller, SandboxId sandbox, FileContext context, String path, String pattern, int limit);

    List<Replacement> replace(
            Caller caller, SandboxId sandbox, FileContext context, List<String> files, String pattern,
            String replacement, boolean regex);

    FileWatch watch(Caller caller, SandboxId sandbox, FileContext context, String path, boolean recursive);

    /** A tar stream of these paths, names relative to {@code base}. Close it, also half-way. */
    InputStream archive(
            Caller caller, SandboxId sandbox, FileContext context, String base, List<String> paths, boolean gzip);

    /** Unpacks below {@code path}; hostile names never leave it. Returns how many entries there were. */
    long extract(
            Caller caller, SandboxId sandbox, FileContext context, String path, ArchiveOptions options,
            InputStream tar);
}
