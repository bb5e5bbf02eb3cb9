package dev.atoll.face.daytona;

import dev.atoll.domain.InvalidFieldException;
import dev.atoll.domain.Isolation;
import java.net.URI;
import java.util.List;
import java.util.Optional;

/**
 * What the operator decides for this face.
 *
 * @param host address to listen on
 * @param port 1 to 65535; 0 picks a free one
 * @param publicUrl where clients reach the listener, without {@code /api}; empty: every answer
 *     repeats the scheme and host its request came with
 * @param defaultSnapshot template or snapshot of a create that names neither snapshot nor image
 * @param snapshotUser user of sandboxes made from a snapshot or by default; empty: the template's.
 *     Creates by image run as the image's user in any case
 * @param target region name of sandboxes whose create names none
 * @param autoStopMinutes of creates that say nothing; 0: never
 * @param autoArchiveMinutes likewise; 0: never
 * @param autoDeleteMinutes likewise; 0: at the stop, -1: never
 * @param execTimeoutStyle what a command that ran into its timeout is answered with
 * @param isolationOrder classes to try, the first the node has wins
 */
public record DaytonaConfig(
        String host,
        int port,
        Optional<URI> publicUrl,
        String defaultSnapshot,
        Optional<String> snapshotUser,
        String target,
        int autoStopMinutes,
        int autoArchiveMinutes,
        int autoDeleteMinutes,
        ExecTimeoutStyle execTimeoutStyle,
        List<Isolation> isolationOrder) {

    /** The answer to a command that ran into its timeout. */
    public enum ExecTimeoutStyle {
        /** 200 with exit code 124 and the output so far: what agents can use. */
        EXIT_CODE_124,
        /** 408 without the output, as the vendor's own daemon; see {@link ExecAnswer} for its limit. */
        HTTP_408
    }

    /** The vendor's own intervals but for archiving, which a single node has nothing to gain from. */
    public static final DaytonaConfig DEFAULTS = new DaytonaConfig(
            "127.0.0.1", 3000, Optional.empty(), "base", Optional.empty(), "local", 15, 0, -1,
            ExecTimeoutStyle.EXIT_CODE_124, List.of(Isolation.CONTAINER));

    public DaytonaConfig {
        isolationOrder = List.copyOf(isolationOrder);
        InvalidFieldException.requireRange("daytona.port", port, 0, 65_535);
        InvalidFieldException.requireRange("daytona.auto_stop_minutes", autoStopMinutes, 0, Interval.LONGEST_MINUTES);
        InvalidFieldException.requireRange(
                "daytona.auto_archive_minutes", autoArchiveMinutes, 0, Interval.LONGEST_MINUTES);
        InvalidFieldException.requireRange(
                "daytona.auto_delete_minutes", autoDeleteMinutes, -1, Interval.LONGEST_MINUTES);
        InvalidFieldException.requireRange("daytona.isolation_order.size", isolationOrder.size(), 1, 3);
        publicUrl.ifPresent(DaytonaConfig::checkPublicUrl);
    }

    private static void checkPublicUrl(URI url) {
        boolean http = "http".equals(url.getScheme()) || "https".equals(url.getScheme());
        if (!http || url.getHost() == null || url.getQuery() != null) {
            throw new InvalidFieldException(
                    "daytona.public_url", url.toString(), "http://HOST[:PORT] or https://HOST[:PORT], with a path if need be");
        }
    }
}
