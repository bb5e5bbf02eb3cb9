package dev.atoll.app.cli;

import java.io.PrintStream;

/** Passes on what a command printed. */
final class Output {
    /** 128 and SIGPIPE, as shells tell it. */
    private static final int BROKEN_PIPE = 141;

    private Output() {}

    /**
     * Ends this program when nobody reads any more, as SIGPIPE ends others: not by returning, since
     * closing the connection would first take in what the server still sends.
     */
    static void write(PrintStream to, byte[] bytes) {
        to.write(bytes, 0, bytes.length);
        if (to.checkError()) {
            System.exit(BROKEN_PIPE);
        }
    }
}
