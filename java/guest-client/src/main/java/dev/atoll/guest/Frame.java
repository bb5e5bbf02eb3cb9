package dev.atoll.guest;

/** Kinds and bounds of frames, as the top of guest.proto states them. */
final class Frame {
    /** Bytes before a payload: length (big endian), kind. */
    static final int HEADER = 5;

    static final int MSG = 0;
    static final int DATA = 1;
    static final int ERR = 2;
    static final int END = 3;
    static final int FILLED = 4;
    static final int TAKEN = 5;

    static final int MAX_MSG_TO_GUEST = 16 << 20;
    static final int MAX_MSG_FROM_GUEST = 4 << 20;
    static final int MAX_DATA = 256 << 10;

    /** A hello is a few numbers and a version. */
    static final int MAX_HELLO = 4 << 10;

    private Frame() {}

    /** The largest payload that the guest may send in a frame of this kind, -1 for an unknown kind. */
    static int bound(int kind, int maxMessage) {
        return switch (kind) {
            case MSG -> maxMessage;
            case DATA, ERR -> MAX_DATA;
            case END, TAKEN -> 0;
            default -> -1;
        };
    }

    static void putHeader(byte[] array, int at, int kind, int length) {
        array[at] = (byte) (length >>> 24);
        array[at + 1] = (byte) (length >>> 16);
        array[at + 2] = (byte) (length >>> 8);
        array[at + 3] = (byte) length;
        array[at + 4] = (byte) kind;
    }
}
