package dev.atoll.engine;

import dev.atoll.domain.ArchiveOptions;
import dev.atoll.domain.Caller;
import dev.atoll.domain.FileContext;
import dev.atoll.domain.FileDownload;
import dev.atoll.domain.FileInfo;
import dev.atoll.domain.FileWatch;
import dev.atoll.domain.Files;
import dev.atoll.domain.InvalidFieldException;
import dev.atoll.domain.Replacement;
import dev.atoll.domain.SandboxId;
import dev.atoll.domain.TextMatch;
import dev.atoll.domain.WriteOptions;
import dev.atoll.guest.GuestFiles;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/** Files inside sandboxes: bounds are checked here, everything else is done by the guest. */
final class FileService implements Files {
    private static final int LONGEST_PATH = 4096;
    private static final int LONGEST_PATTERN = 64 << 10;
    private static final int MOST_RESULTS = 1_000_000;
    private static final int DEEPEST = 1000;
    private static final int MOST_PATHS = 10_000;
    private static final int ALL_MODE_BITS = 07777;

    private final GuestCalls calls;
    private final PoolAdmission admission;

    FileService(GuestCalls calls, PoolAdmission admission) {
        this.calls = calls;
        this.admission = admission;
    }

    @Override
    public FileInfo stat(Caller caller, SandboxId sandbox, FileContext context, String path, boolean followLink) {
        return files(caller, sandbox, context).stat(context, checked("path", path), followLink);
    }

    @Override
    public List<FileInfo> list(
            Caller caller, SandboxId sandbox, FileContext context, String path, int depth, int limit) {
        InvalidFieldException.requireRange("depth", depth, 1, DEEPEST);
        checkLimit(limit);
        return files(caller, sandbox, context).list(context, checked("path", path), depth, limit);
    }

    @Override
    public FileDownload read(
            Caller caller, SandboxId sandbox, FileContext context, String path, long offset, long length) {
        InvalidFieldException.requireRange("offset", offset, 0, Long.MAX_VALUE);
        InvalidFieldException.requireRange("length", length, -1, Long.MAX_VALUE);
        return files(caller, sandbox, context).read(context, checked("path", path), offset, length);
    }

    @Override
    public FileInfo write(
            Caller caller,
            SandboxId sandbox,
            FileContext context,
            String path,
            WriteOptions options,
            InputStream content) {
        options.mode().ifPresent(FileService::checkMode);
        options.size().ifPresent(size -> InvalidFieldException.requireRange("size", size, 0, Long.MAX_VALUE));
        GuestFiles files = files(caller, sandbox, context);
        admission.require();
        return files.write(context, checked("path", path), options, content);
    }

    @Override
    public void mkdir(
            Caller caller, SandboxId sandbox, FileContext context, String path, OptionalInt mode, boolean parents,
            boolean existOk) {
        mode.ifPresent(FileService::checkMode);
        files(caller, sandbox, context).mkdir(context, checked("path", path), mode, parents, existOk);
    }

    @Override
    public void remove(
            Caller caller, SandboxId sandbox, FileContext context, String path, boolean recursive, boolean missingOk) {
        files(caller, sandbox, context).remove(context, checked("path", path), recursive, missingOk);
    }

    @Override
    public void rename(
            Caller caller, SandboxId sandbox, FileContext context, String source, String destination,
            boolean noReplace) {
        files(caller, sandbox, context)
                .rename(context, checked("source", source), checked("destination", destination), noReplace);
    }

    @Override
    public void copy(
            Caller caller, SandboxId sandbox, FileContext context, String source, String destination,
            boolean recursive) {
        files(caller, sandbox, context)
                .copy(context, checked("source", source), checked("destination", destination), recursive);
    }

    @Override
    public void chmod(
            Caller caller, SandboxId sandbox, FileContext context, String path, int mode, boolean recursive) {
        checkMode(mode);
        files(caller, sandbox, context).chmod(context, checked("path", path), mode, recursive);
    }

    @Override
    public void chown(
            Caller caller, SandboxId sandbox, FileContext context, String path, Optional<String> owner,
            Optional<String> group, boolean recursive) {
        files(caller, sandbox, context).chown(context, checked("path", path), owner, group, recursive);
    }

    @Override
    public List<TextMatch> search(
            Caller caller, SandboxId sandbox, FileContext context, String path, String pattern, boolean regex,
            int limit) {
        checkPattern(pattern);
        checkLimit(limit);
        return files(caller, sandbox, context).search(context, checked("path", path), pattern, regex, limit);
    }

    @Override
    public List<FileInfo> glob(
            Caller caller, SandboxId sandbox, FileContext context, String path, String pattern, int limit) {
        checkPattern(pattern);
        checkLimit(limit);
        return files(caller, sandbox, context).glob(context, checked("path", path), pattern, limit);
    }

    @Override
    public List<Replacement> replace(
            Caller caller, SandboxId sandbox, FileContext context, List<String> paths, String pattern,
            String replacement, boolean regex) {
        checkPattern(pattern);
        InvalidFieldException.requireLength("replacement", replacement, 0, 1 << 20);
        checkPaths("files", paths);
        return files(caller, sandbox, context).replace(context, paths, pattern, replacement, regex);
    }

    @Override
    public FileWatch watch(Caller caller, SandboxId sandbox, FileContext context, String path, boolean recursive) {
        return files(caller, sandbox, context).watch(context, checked("path", path), recursive);
    }

    @Override
    public InputStream archive(
            Caller caller, SandboxId sandbox, FileContext context, String base, List<String> paths, boolean gzip) {
        checkPaths("paths", paths);
        return files(caller, sandbox, context).archive(context, checked("base", base), paths, gzip);
    }

    @Override
    public long extract(
            Caller caller, SandboxId sandbox, FileContext context, String path, ArchiveOptions options,
            InputStream tar) {
        GuestFiles files = files(caller, sandbox, context);
        admission.require();
        return files.extract(context, checked("path", path), options, tar);
    }

    private GuestFiles files(Caller caller, SandboxId sandbox, FileContext context) {
        context.cwd().ifPresent(cwd -> checked("cwd", cwd));
        context.user().ifPresent(user -> InvalidFieldException.requireLength("user", user, 1, 256));
        return calls.guest(caller, sandbox, "a file operation").files();
    }

    private static String checked(String field, String path) {
        int bytes = path.getBytes(StandardCharsets.UTF_8).length;
        if (bytes == 0 || bytes > LONGEST_PATH || path.indexOf('\0') >= 0) {
            throw new InvalidFieldException(field, path, "1 to 4096 bytes without NUL");
        }
        return path;
    }

    private static void checkPaths(String field, List<String> paths) {
        InvalidFieldException.requireRange(field + ".size", paths.size(), 1, MOST_PATHS);
        paths.forEach(path -> checked(field, path));
    }

    private static void checkPattern(String pattern) {
        InvalidFieldException.requireLength("pattern", pattern, 1, LONGEST_PATTERN);
    }

    private static void checkLimit(int limit) {
        InvalidFieldException.requireRange("limit", limit, 1, MOST_RESULTS);
    }

    private static void checkMode(int mode) {
        if ((mode & ~ALL_MODE_BITS) != 0) {
            throw new InvalidFieldException("mode", Integer.toOctalString(mode), "permission bits, 0 to 7777 octal");
        }
    }
}
