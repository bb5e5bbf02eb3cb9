package dev.atoll.guest;

import dev.atoll.domain.ArchiveOptions;
import dev.atoll.domain.FileContext;
import dev.atoll.domain.FileDownload;
import dev.atoll.domain.FileInfo;
import dev.atoll.domain.FileWatch;
import dev.atoll.domain.Files;
import dev.atoll.domain.Replacement;
import dev.atoll.domain.TextMatch;
import dev.atoll.domain.WriteOptions;
import java.io.InputStream;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/** The files of one sandbox; the contract of each method is that of {@link Files}. */
public interface GuestFiles {
    FileInfo stat(FileContext context, String path, boolean followLink);

    /** @param limit more entries are an error of code TOO_MANY */
    List<FileInfo> list(FileContext context, String path, int depth, int limit);

    /** @param length -1 = to the end */
    FileDownload read(FileContext context, String path, long offset, long length);

    /** Reads {@code content} to its end and does not close it. An error of the source abandons the write. */
    FileInfo write(FileContext context, String path, WriteOptions options, InputStream content);

    void mkdir(FileContext context, String path, OptionalInt mode, boolean parents, boolean existOk);

    void remove(FileContext context, String path, boolean recursive, boolean missingOk);

    void rename(FileContext context, String source, String destination, boolean noReplace);

    void copy(FileContext context, String source, String destination, boolean recursive);

    void chmod(FileContext context, String path, int mode, boolean recursive);

    void chown(
            FileContext context, String path, Optional<String> owner, Optional<String> group, boolean recursive);

    void symlink(FileContext context, String target, String path);

    List<TextMatch> search(FileContext context, String path, String pattern, boolean regex, int limit);

    List<FileInfo> glob(FileContext context, String path, String pattern, int limit);

    List<Replacement> replace(
            FileContext context, List<String> files, String pattern, String replacement, boolean regex);

    /** Returns when the watch stands: a change made after that is seen. */
    FileWatch watch(FileContext context, String path, boolean recursive);

    InputStream archive(FileContext context, String base, List<String> paths, boolean gzip);

    /**
     * Applies a layer of an OCI image over the root: its whiteouts delete, and all is as it says. Reads
     * {@code layer}, plain or compressed by gzip or zstd, to its end and does not close it.
     *
     * @param maxBytes of it uncompressed; more is an error of code TOO_LARGE
     * @param maxEntries 0 = no bound of ours
     */
    LayerApplied applyLayer(InputStream layer, long maxBytes, long maxEntries);

    /** Reads {@code tar} to its end and does not close it; returns the number of entries. */
    long extract(FileContext context, String path, ArchiveOptions options, InputStream tar);
}
