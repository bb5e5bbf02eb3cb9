package dev.atoll.domain;

import java.util.Arrays;
import java.util.List;

/**
 * Where a sandbox has a volume. What is written there is the volume's: seen by every sandbox that mounts
 * it, kept when they end, in no snapshot of theirs.
 *
 * @param path as {@link Request}
 * @param subpath as {@link Request}
 */
public record VolumeMount(VolumeId volume, String path, boolean readOnly, String subpath) {
    /** Most volumes of one sandbox. */
    public static final int MOST = 16;

    private static final int LONGEST = 1024;
    private static final List<String> RESERVED = List.of("proc", "sys", "dev");

    /**
     * What a caller asks for.
     *
     * @param reference name or id of a volume
     * @param path absolute and plain (no empty part, "." or ".."), at most 1,024 characters, not in /proc,
     *     /sys and /dev; made in the sandbox when it is missing
     * @param subpath a directory of the volume that is mounted instead of its root, relative and plain; made
     *     when it is missing; empty = the root
     */
    public record Request(String reference, String path, boolean readOnly, String subpath) {
        public Request {
            InvalidFieldException.requireLength("volumes.volume", reference, 1, 128);
            checkPath(path);
            if (!subpath.isEmpty() && !isPlain(subpath)) {
                throw new InvalidFieldException("volumes.subpath", subpath, "a relative path of plain names");
            }
        }

        private static void checkPath(String path) {
            boolean absolute = path.startsWith("/") && isPlain(path.substring(1));
            if (!absolute || RESERVED.contains(path.split("/")[1]) || path.startsWith("/run/.atoll")) {
                throw new InvalidFieldException(
                        "volumes.path", path, "an absolute path of plain names, not in /proc, /sys or /dev");
            }
        }

        private static boolean isPlain(String relative) {
            return relative.length() < LONGEST
                    && relative.indexOf('\0') < 0
                    && Arrays.stream(relative.split("/", -1))
                            .noneMatch(part -> part.isEmpty() || part.equals(".") || part.equals(".."));
        }
    }

    /** @throws InvalidFieldException when there are too many, or two at one path */
    static void checkAll(List<Request> volumes) {
        InvalidFieldException.requireRange("volumes.size", volumes.size(), 0, MOST);
        long paths = volumes.stream().map(Request::path).distinct().count();
        if (paths < volumes.size()) {
            throw new InvalidFieldException("volumes.path", "(one path twice)", "a path for each volume");
        }
    }
}
