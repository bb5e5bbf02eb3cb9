package dev.atoll.tests.fault;

/** Files that are known to be on the disk, and how to see that they are still what they were. */
final class Payload {
    /** Shell: some files below /root/payload, their hashes beside them, all of it synced. */
    static final String WRITE = """
            mkdir /root/payload && cd /root/payload
            for i in 1 2 3 4; do head -c $((i * 700001)) /dev/urandom > file$i; done
            mkdir -p a/b && mv file4 a/b/file4 && ln -s ../file1 a/link && rm /etc/motd
            sha256sum file1 file2 file3 a/b/file4 > /root/hashes && sync""";

    /** Shell: fails unless everything is as {@link #WRITE} left it. */
    static final String CHECK =
            "cd /root/payload && sha256sum --quiet -c /root/hashes && [ $(readlink a/link) = ../file1 ] && [ ! -e /etc/motd ]";

    private Payload() {}
}
