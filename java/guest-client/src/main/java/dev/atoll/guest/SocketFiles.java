package dev.atoll.guest;

import dev.atoll.domain.ArchiveOptions;
import dev.atoll.domain.FileContext;
import dev.atoll.domain.FileDownload;
import dev.atoll.domain.FileInfo;
import dev.atoll.domain.FileWatch;
import dev.atoll.domain.Replacement;
import dev.atoll.domain.TextMatch;
import dev.atoll.domain.WriteOptions;
import dev.atoll.guest.proto.Archive;
import dev.atoll.guest.proto.Chmod;
import dev.atoll.guest.proto.Chown;
import dev.atoll.guest.proto.Copy;
import dev.atoll.guest.proto.Extract;
import dev.atoll.guest.proto.Glob;
import dev.atoll.guest.proto.ListDir;
import dev.atoll.guest.proto.Mkdir;
import dev.atoll.guest.proto.Read;
import dev.atoll.guest.proto.Remove;
import dev.atoll.guest.proto.Rename;
import dev.atoll.guest.proto.Replace;
import dev.atoll.guest.proto.Reply;
import dev.atoll.guest.proto.Reply.ResultCase;
import dev.atoll.guest.proto.Request;
import dev.atoll.guest.proto.Search;
import dev.atoll.guest.proto.Stat;
import dev.atoll.guest.proto.Symlink;
import dev.atoll.guest.proto.Watch;
import dev.atoll.guest.proto.WatchEvent;
import dev.atoll.guest.proto.Write;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/** Files over an endpoint's connections. */
final class SocketFiles implements GuestFiles {
    private static final int DEFAULT_DIRECTORY_MODE = 0755;

    private final SocketEndpoint endpoint;
    private final Batches batches;

    SocketFiles(SocketEndpoint endpoint) {
        this.endpoint = endpoint;
        batches = new Batches(endpoint);
    }

    @Override
    public FileInfo stat(FileContext context, String path, boolean followLink) {
        Stat stat = Stat.newBuilder()
                .setWhere(Encode.where(context))
                .setPath(Encode.bytes(path))
                .setFollow(followLink)
                .build();
        return file(endpoint.quick(Request.newBuilder().setStat(stat), ResultCase.INFO).getInfo());
    }

    @Override
    public List<FileInfo> list(FileContext context, String path, int depth, int limit) {
        ListDir list = ListDir.newBuilder()
                .setWhere(Encode.where(context))
                .setPath(Encode.bytes(path))
                .setDepth(depth)
                .setLimit(limit)
                .build();
        return batches.files(Request.newBuilder().setListDir(list).build(), limit);
    }

    @Override
    public List<FileInfo> glob(FileContext context, String path, String pattern, int limit) {
        Glob glob = Glob.newBuilder()
                .setWhere(Encode.where(context))
                .setPath(Encode.bytes(path))
                .setPattern(Encode.bytes(pattern))
                .setLimit(limit)
                .build();
        return batches.files(Request.newBuilder().setGlob(glob).build(), limit);
    }

    @Override
    public List<TextMatch> search(FileContext context, String path, String pattern, boolean regex, int limit) {
        Search search = Search.newBuilder()
                .setWhere(Encode.where(context))
                .setPath(Encode.bytes(path))
                .setPattern(Encode.bytes(pattern))
                .setRegex(regex)
                .setLimit(limit)
                .build();
        return batches.matches(Request.newBuilder().setSearch(search).build(), limit);
    }

    @Override
    public List<Replacement> replace(
            FileContext context, List<String> files, String pattern, String replacement, boolean regex) {
        Replace.Builder replace = Replace.newBuilder()
                .setWhere(Encode.where(context))
                .setPattern(Encode.bytes(pattern))
                .setReplacement(Encode.bytes(replacement))
                .setRegex(regex);
        files.forEach(file -> replace.addFiles(Encode.bytes(file)));
        return batches.replacements(Request.newBuilder().setReplace(replace).build(), files.size());
    }

    @Override
    public FileDownload read(FileContext context, String path, long offset, long length) {
        if (length == 0) {
            // The wire's 0 means "to the end".
            return new Download(stat(context, path, true), new ByteArrayInputStream(new byte[0]));
        }
        Read read = Read.newBuilder()
                .setWhere(Encode.where(context))
                .setPath(Encode.bytes(path))
                .setOffset(offset)
                .setLength(Math.max(0, length))
                .build();
        GuestConnection connection = endpoint.begin(
                Request.newBuilder().setRead(read).build(), endpoint.timeouts().reply());
        try {
            Reply reply = connection.reply();
            Decode.expect(reply, ResultCase.INFO);
            if (reply.hasError()) {
                endpoint.release(connection);
                throw Decode.error(reply.getError());
            }
            FileInfo info = Decode.file(reply.getInfo());
            return new Download(info, new TransferInput(endpoint, connection, ResultCase.OK));
        } catch (IOException e) {
            throw endpoint.fail(connection, e);
        }
    }

    /** A file that is being read. */
    private record Download(FileInfo info, InputStream content) implements FileDownload {
        @Override
        public void close() {
            try {
                content.close();
            } catch (IOException e) {
                throw new IllegalStateException("neither kind of content fails to close", e);
            }
        }
    }

    @Override
    public FileInfo write(FileContext context, String path, WriteOptions options, InputStream content) {
        Write write = Write.newBuilder()
                .setWhere(Encode.where(context))
                .setPath(Encode.bytes(path))
                .setMode(options.mode().orElse(0))
                .setParents(options.parents())
                .setAppend(options.append())
                .setCreateNew(options.createNew())
                .setExpectedSize(options.size().orElse(0))
                .build();
        Reply reply = new Upload(endpoint, Request.newBuilder().setWrite(write).build(), ResultCase.WRITTEN)
                .run(content);
        return file(reply.getWritten().getInfo());
    }

    @Override
    public void mkdir(FileContext context, String path, OptionalInt mode, boolean parents, boolean existOk) {
        done(Request.newBuilder()
                .setMkdir(Mkdir.newBuilder()
                        .setWhere(Encode.where(context))
                        .setPath(Encode.bytes(path))
                        .setMode(mode.orElse(DEFAULT_DIRECTORY_MODE))
                        .setParents(parents)
                        .setExistOk(existOk)));
    }

    @Override
    public void remove(FileContext context, String path, boolean recursive, boolean missingOk) {
        done(Request.newBuilder()
                .setRemove(Remove.newBuilder()
                        .setWhere(Encode.where(context))
                        .setPath(Encode.bytes(path))
                        .setRecursive(recursive)
                        .setMissingOk(missingOk)));
    }

    @Override
    public void rename(FileContext context, String source, String destination, boolean noReplace) {
        done(Request.newBuilder()
                .setRename(Rename.newBuilder()
                        .setWhere(Encode.where(context))
                        .setSource(Encode.bytes(source))
                        .setDestination(Encode.bytes(destination))
                        .setNoReplace(noReplace)));
    }

    @Override
    public void copy(FileContext context, String source, String destination, boolean recursive) {
        done(Request.newBuilder()
                .setCopy(Copy.newBuilder()
                        .setWhere(Encode.where(context))
                        .setSource(Encode.bytes(source))
                        .setDestination(Encode.bytes(destination))
                        .setRecursive(recursive)));
    }

    @Override
    public void chmod(FileContext context, String path, int mode, boolean recursive) {
        done(Request.newBuilder()
                .setChmod(Chmod.newBuilder()
                        .setWhere(Encode.where(context))
                        .setPath(Encode.bytes(path))
                        .setMode(mode)
                        .setRecursive(recursive)));
    }

    @Override
    public void chown(
            FileContext context, String path, Optional<String> owner, Optional<String> group, boolean recursive) {
        done(Request.newBuilder()
                .setChown(Chown.newBuilder()
                        .setWhere(Encode.where(context))
                        .setPath(Encode.bytes(path))
                        .setOwner(owner.orElse(""))
                        .setGroup(group.orElse(""))
                        .setRecursive(recursive)));
    }

    @Override
    public void symlink(FileContext context, String target, String path) {
        done(Request.newBuilder()
                .setSymlink(Symlink.newBuilder()
                        .setWhere(Encode.where(context))
                        .setTarget(Encode.bytes(target))
                        .setPath(Encode.bytes(path))));
    }

    private void done(Request.Builder request) {
        endpoint.slow(request, ResultCase.OK);
    }

    @Override
    public FileWatch watch(FileContext context, String path, boolean recursive) {
        Watch watch = Watch.newBuilder()
                .setWhere(Encode.where(context))
                .setPath(Encode.bytes(path))
                .setRecursive(recursive)
                .build();
        GuestConnection connection = endpoint.begin(
                Request.newBuilder().setWatch(watch).build(), endpoint.timeouts().work());
        try {
            Reply reply = connection.reply();
            Decode.expect(reply, ResultCase.EVENT);
            if (reply.hasError()) {
                endpoint.release(connection);
                throw Decode.error(reply.getError());
            }
            if (reply.getEvent().getKind() != WatchEvent.Kind.READY) {
                throw new ProtocolException("the guest's watch began with another event than READY");
            }
            connection.noDeadline();
            return new SocketWatch(endpoint, connection);
        } catch (IOException e) {
            throw endpoint.fail(connection, e);
        }
    }

    @Override
    public InputStream archive(FileContext context, String base, List<String> paths, boolean gzip) {
        Archive.Builder archive = Archive.newBuilder()
                .setWhere(Encode.where(context))
                .setBase(Encode.bytes(base))
                .setGzip(gzip);
        paths.forEach(path -> archive.addPaths(Encode.bytes(path)));
        GuestConnection connection = endpoint.begin(
                Request.newBuilder().setArchive(archive).build(), endpoint.timeouts().progress());
        return new TransferInput(endpoint, connection, ResultCase.ARCHIVE_STATS);
    }

    @Override
    public long extract(FileContext context, String path, ArchiveOptions options, InputStream tar) {
        Extract extract = Extract.newBuilder()
                .setWhere(Encode.where(context))
                .setPath(Encode.bytes(path))
                .setGzip(options.gzip())
                .setKeepOwner(options.keepOwner())
                .setMaxBytes(options.maxBytes())
                .setMaxEntries(options.maxEntries())
                .setOwner(options.owner().orElse(""))
                .setMode(options.mode().orElse(0))
                .build();
        Reply reply = new Upload(
                        endpoint, Request.newBuilder().setExtract(extract).build(), ResultCase.ARCHIVE_STATS)
                .run(tar);
        return Decoding.orUnavailable(() -> Decode.count(reply.getArchiveStats().getEntries()));
    }

    @Override
    public LayerApplied applyLayer(InputStream layer, long maxBytes, long maxEntries) {
        Extract extract = Extract.newBuilder()
                .setWhere(Encode.where(new FileContext(Optional.of("root"), Optional.of("/"))))
                .setPath(Encode.bytes("/"))
                .setLayer(true)
                .setMaxBytes(maxBytes)
                .setMaxEntries(maxEntries)
                .build();
        Reply reply = new Upload(
                        endpoint, Request.newBuilder().setExtract(extract).build(), ResultCase.ARCHIVE_STATS)
                .run(layer);
        return Decoding.orUnavailable(() -> Decode.layer(reply.getArchiveStats()));
    }

    private static FileInfo file(dev.atoll.guest.proto.FileInfo info) {
        return Decoding.orUnavailable(() -> Decode.file(info));
    }
}
