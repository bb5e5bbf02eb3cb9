package dev.atoll.guest;

import com.google.protobuf.ByteString;
import dev.atoll.domain.FileInfo;
import dev.atoll.domain.GuestException;
import dev.atoll.domain.InvalidFieldException;
import dev.atoll.domain.Ports;
import dev.atoll.domain.ProcessEvent;
import dev.atoll.domain.ProcessExit;
import dev.atoll.domain.ProcessId;
import dev.atoll.domain.ProcessInfo;
import dev.atoll.domain.TextMatch;
import dev.atoll.domain.WatchEvent;
import dev.atoll.guest.proto.ArchiveStats;
import dev.atoll.guest.proto.Error;
import dev.atoll.guest.proto.Match;
import dev.atoll.guest.proto.MetricsReport;
import dev.atoll.guest.proto.OutputGap;
import dev.atoll.guest.proto.Port;
import dev.atoll.guest.proto.ProcessExited;
import dev.atoll.guest.proto.Reply;
import dev.atoll.guest.proto.Reply.ResultCase;
import java.time.Instant;
import java.util.HexFormat;
import java.util.Optional;

/**
 * From the messages of a guest, all of it hostile, to the domain's records. Numbers out of the range
 * that they can have are a {@link ProtocolException}; text has its malformed parts replaced by
 * U+FFFD and is cut at a bound.
 */
final class Decode {
    /** Characters of a path or name; Linux has 4,096 bytes for one that a system call takes. */
    private static final int MAX_PATH = 8 << 10;

    private static final int MAX_NAME = 256;
    private static final int MAX_MESSAGE = 4 << 10;

    /** Characters of an argument or a matching line. */
    private static final int MAX_TEXT = 128 << 10;

    private static final int MAX_PID = 1 << 22;
    private static final int MAX_SIGNAL = 64;

    /** What the kernel shows for an id that has no mapping (/proc/sys/kernel/overflowuid). */
    private static final int OVERFLOW_ID = 65534;

    /** The year 9999: later instants cannot be shown in ISO 8601's four digits. */
    private static final long MAX_MILLIS = 253_402_300_799_999L;

    private static final int SHA256_BYTES = 32;

    private Decode() {}

    /** @throws ProtocolException unless the reply is one of these or an error */
    static void expect(Reply reply, ResultCase... expected) throws ProtocolException {
        ResultCase is = reply.getResultCase();
        if (is == ResultCase.ERROR) {
            return;
        }
        for (ResultCase one : expected) {
            if (is == one) {
                return;
            }
        }
        throw new ProtocolException("the guest replied " + is + " out of order");
    }

    static void throwIfError(Reply reply) {
        if (reply.getResultCase() == ResultCase.ERROR) {
            throw error(reply.getError());
        }
    }

    static GuestException error(Error error) {
        return new GuestException(code(error.getCode()), message(error), cut(error.getField(), MAX_NAME));
    }

    private static String message(Error error) {
        String text = cut(error.getMessage(), MAX_MESSAGE);
        return text.chars().anyMatch(Character::isISOControl) ? text.replaceAll("\\p{Cntrl}", "\uFFFD") : text;
    }

    private static GuestException.Code code(Error.Code code) {
        return switch (code) {
            case UNKNOWN, UNRECOGNIZED -> GuestException.Code.UNKNOWN;
            case NOT_FOUND -> GuestException.Code.NOT_FOUND;
            case PERMISSION_DENIED -> GuestException.Code.PERMISSION_DENIED;
            case EXISTS -> GuestException.Code.EXISTS;
            case NOT_DIRECTORY -> GuestException.Code.NOT_DIRECTORY;
            case IS_DIRECTORY -> GuestException.Code.IS_DIRECTORY;
            case NOT_EMPTY -> GuestException.Code.NOT_EMPTY;
            case INVALID -> GuestException.Code.INVALID;
            case TOO_LARGE -> GuestException.Code.TOO_LARGE;
            case NO_SPACE -> GuestException.Code.NO_SPACE;
            case UNSUPPORTED -> GuestException.Code.UNSUPPORTED;
            case NO_SUCH_PROCESS -> GuestException.Code.NO_SUCH_PROCESS;
            case NO_SUCH_USER -> GuestException.Code.NO_SUCH_USER;
            case BUSY -> GuestException.Code.BUSY;
            case IO -> GuestException.Code.IO;
            case CONNECTION_REFUSED -> GuestException.Code.CONNECTION_REFUSED;
            case TOO_MANY -> GuestException.Code.TOO_MANY;
            case NOT_EXECUTABLE -> GuestException.Code.NOT_EXECUTABLE;
            case NO_SUCH_COMMAND -> GuestException.Code.NO_SUCH_COMMAND;
            case LOOP -> GuestException.Code.LOOP;
            case NAME_TOO_LONG -> GuestException.Code.NAME_TOO_LONG;
            case STALE_OFFSET -> GuestException.Code.STALE_OFFSET;
        };
    }

    // --- processes ----------------------------------------------------------------------------

    static ProcessExit exit(ProcessExited in) throws ProtocolException {
        return new ProcessExit(
                range("exit code", in.getCode(), 0, 255),
                range("signal", in.getSignal(), 0, MAX_SIGNAL),
                in.getOomKilled(),
                in.getTimedOut(),
                count(in.getStdoutBytes()),
                count(in.getStderrBytes()),
                instant(in.getEndedAtMs()));
    }

    static ProcessInfo process(dev.atoll.guest.proto.ProcessInfo in) throws ProtocolException {
        return new ProcessInfo(
                processId(in.getId()),
                pid(in.getPid()),
                in.getArgvList().stream().map(argument -> text(argument, MAX_TEXT)).toList(),
                cut(in.getCwd(), MAX_PATH),
                cut(in.getUser(), MAX_NAME),
                in.getTty(),
                instant(in.getStartedAtMs()),
                in.hasExited() ? Optional.of(exit(in.getExited())) : Optional.empty(),
                count(in.getStdoutBytes()),
                count(in.getStderrBytes()),
                in.getStdinOpen());
    }

    private static ProcessId processId(String value) throws ProtocolException {
        try {
            return new ProcessId(value);
        } catch (InvalidFieldException e) {
            throw new ProtocolException("the guest names a process by what is no id");
        }
    }

    static ProcessEvent.Gap gap(OutputGap in) throws ProtocolException {
        ProcessEvent.Stream stream =
                switch (in.getStream()) {
                    case 1 -> ProcessEvent.Stream.STDOUT;
                    case 2 -> ProcessEvent.Stream.STDERR;
                    default -> throw new ProtocolException("the guest reports a gap in stream "
                            + Integer.toUnsignedString(in.getStream()));
                };
        long from = count(in.getFrom());
        long to = count(in.getTo());
        if (to < from) {
            throw new ProtocolException("the guest reports a gap that ends before it begins");
        }
        return new ProcessEvent.Gap(stream, from, to);
    }

    static int pid(int pid) throws ProtocolException {
        return range("pid", pid, 0, MAX_PID);
    }

    // --- files --------------------------------------------------------------------------------

    static FileInfo file(dev.atoll.guest.proto.FileInfo in) throws ProtocolException {
        return new FileInfo(
                path(in.getPath()),
                path(in.getName()),
                type(in.getType()),
                count(in.getSize()),
                in.getMode() & 07777,
                id(in.getUid()),
                id(in.getGid()),
                cut(in.getOwner(), MAX_NAME),
                cut(in.getGroup(), MAX_NAME),
                Instant.ofEpochSecond(
                        Math.floorDiv(in.getMtimeNs(), 1_000_000_000L), Math.floorMod(in.getMtimeNs(), 1_000_000_000L)),
                in.getLinkTarget().isEmpty() ? Optional.empty() : Optional.of(path(in.getLinkTarget())));
    }

    private static FileInfo.Type type(dev.atoll.guest.proto.FileInfo.Type type) {
        return switch (type) {
            case FILE -> FileInfo.Type.FILE;
            case DIRECTORY -> FileInfo.Type.DIRECTORY;
            case SYMLINK -> FileInfo.Type.SYMLINK;
            case FIFO -> FileInfo.Type.FIFO;
            case SOCKET -> FileInfo.Type.SOCKET;
            case CHAR -> FileInfo.Type.CHARACTER_DEVICE;
            case BLOCK -> FileInfo.Type.BLOCK_DEVICE;
            case OTHER, UNRECOGNIZED -> FileInfo.Type.OTHER;
        };
    }

    static TextMatch match(Match in) throws ProtocolException {
        return new TextMatch(
                path(in.getFile()), count(in.getLine()), text(in.getContent(), MAX_TEXT), count(in.getColumn()));
    }

    static String path(ByteString bytes) {
        return text(bytes, MAX_PATH);
    }

    /** Empty for the kind that opens a watch and for kinds this version does not know. */
    static Optional<WatchEvent> watchEvent(dev.atoll.guest.proto.WatchEvent in) {
        return switch (in.getKind()) {
            case READY, UNRECOGNIZED -> Optional.empty();
            case CREATED -> Optional.of(watchEvent(WatchEvent.Kind.CREATED, in));
            case MODIFIED -> Optional.of(watchEvent(WatchEvent.Kind.MODIFIED, in));
            case REMOVED -> Optional.of(watchEvent(WatchEvent.Kind.REMOVED, in));
            case RENAMED -> Optional.of(watchEvent(WatchEvent.Kind.RENAMED, in));
            case CHMOD -> Optional.of(watchEvent(WatchEvent.Kind.CHMOD, in));
            case OVERFLOW -> Optional.of(watchEvent(WatchEvent.Kind.OVERFLOW, in));
        };
    }

    private static WatchEvent watchEvent(WatchEvent.Kind kind, dev.atoll.guest.proto.WatchEvent in) {
        return new WatchEvent(
                kind,
                path(in.getPath()),
                in.getOldPath().isEmpty() ? Optional.empty() : Optional.of(path(in.getOldPath())),
                in.getDirectory());
    }

    // --- ports, metrics -----------------------------------------------------------------------

    static Ports.Listener listener(Port in) throws ProtocolException {
        int pid = pid(in.getPid());
        return new Ports.Listener(
                range("port", in.getPort(), 1, 65535),
                cut(in.getAddress(), MAX_NAME),
                pid == 0 ? Optional.empty() : Optional.of(pid),
                in.getProcess().isEmpty() ? Optional.empty() : Optional.of(cut(in.getProcess(), MAX_NAME)));
    }

    static GuestMetrics metrics(MetricsReport in) {
        return new GuestMetrics(
                atLeastZero(in.getUptimeMs()),
                Math.max(0, in.getProcesses()),
                atLeastZero(in.getDiskTotal()),
                atLeastZero(in.getDiskUsed()),
                atLeastZero(in.getInodesTotal()),
                atLeastZero(in.getInodesUsed()),
                Math.max(0, in.getConnections()),
                Double.isFinite(in.getLoad1()) && in.getLoad1() >= 0 ? in.getLoad1() : 0);
    }

    static LayerApplied layer(ArchiveStats in) throws ProtocolException {
        byte[] sha256 = in.getSha256().toByteArray();
        if (sha256.length != SHA256_BYTES) {
            throw new ProtocolException("a layer without its digest");
        }
        return new LayerApplied(
                count(in.getEntries()), count(in.getBytes()), HexFormat.of().formatHex(sha256), count(in.getSkipped()));
    }

    // --- numbers and text ---------------------------------------------------------------------

    /** A uint64 that counts something; Java's long has room for all that can be counted. */
    static long count(long value) throws ProtocolException {
        if (value < 0) {
            throw new ProtocolException("the guest counts " + Long.toUnsignedString(value));
        }
        return value;
    }

    static Instant instant(long millis) throws ProtocolException {
        if (millis < 0 || millis > MAX_MILLIS) {
            throw new ProtocolException("the guest's clock says " + Long.toUnsignedString(millis) + " ms");
        }
        return Instant.ofEpochMilli(millis);
    }

    static int range(String what, int value, int min, int max) throws ProtocolException {
        if (value < min || value > max) {
            throw new ProtocolException("the guest says that a " + what + " is " + value);
        }
        return value;
    }

    private static long atLeastZero(long value) {
        return Math.max(0, value);
    }

    /** Ids of 2^31 and more are none that a sandbox's user namespace maps. */
    private static int id(int id) {
        return id < 0 ? OVERFLOW_ID : id;
    }

    private static String text(ByteString bytes, int max) {
        // A character takes at most 3 bytes a UTF-16 unit: cutting bytes first bounds the work.
        ByteString bounded = bytes.size() > 3 * max ? bytes.substring(0, 3 * max) : bytes;
        return cut(bounded.toStringUtf8(), max);
    }

    private static String cut(String text, int max) {
        if (text.length() <= max) {
            return text;
        }
        int end = Character.isHighSurrogate(text.charAt(max - 1)) ? max - 1 : max;
        return text.substring(0, end);
    }
}
