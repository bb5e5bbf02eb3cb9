package dev.atoll.domain;

/**
 * A piece of a build's log: headings of the steps and what they wrote, as they wrote it.
 *
 * @param from offset of the first byte; more than was asked for when the bytes before were dropped
 * @param bytes at most 256 KiB; the array is the receiver's
 * @param ended the build is over and nothing follows these bytes
 */
public record BuildLog(long from, byte[] bytes, boolean ended) {
    /** Where to read on. */
    public long next() {
        return from + bytes.length;
    }
}
