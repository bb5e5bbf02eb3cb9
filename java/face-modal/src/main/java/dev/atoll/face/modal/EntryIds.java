package dev.atoll.face.modal;

/** Where a stream of logs is resumed: the vendor's opaque text is the offset of the next byte. */
final class EntryIds {
    private static final int MOST_DIGITS = 18;

    private EntryIds() {}

    static String of(long offset) {
        return Long.toString(offset);
    }

    /** Clients begin with an empty one or with one that means the beginning, such as 0-0. */
    static long offset(String entryId) {
        boolean number = !entryId.isEmpty()
                && entryId.length() <= MOST_DIGITS
                && entryId.chars().allMatch(c -> c >= '0' && c <= '9');
        return number ? Long.parseLong(entryId) : 0;
    }
}
