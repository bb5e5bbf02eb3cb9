package dev.atoll.domain;

import java.io.InputStream;

/** A file being read. Close it, also half-way. One thread at a time. */
public interface FileDownload extends AutoCloseable {
    /** Of the file when it was opened; its size may change while it is read. */
    FileInfo info();

    /** The bytes; an error of the sandbox while reading is a {@link GuestException} from its methods. */
    InputStream content();

    @Override
    void close();
}
