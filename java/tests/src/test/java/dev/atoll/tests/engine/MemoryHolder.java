package dev.atoll.tests.engine;

import dev.atoll.domain.Isolation;
import dev.atoll.domain.SandboxId;
import dev.atoll.tests.AtollNode;

/** A process whose memory tells whether it went on from where it was. */
final class MemoryHolder {
    /** Holds random bytes in memory; each SIGUSR1 appends their hash, and how often it was asked, to a file. */
    private static final String HOLDER = """
            import hashlib, os, signal
            data = bytearray(os.urandom(8 << 20))
            with open('/root/first', 'wb') as f:
                f.write(data)
            asked = 0
            def tell(*_):
                global asked
                asked += 1
                data[asked] ^= 255
                with open('/root/hash', 'w') as f:
                    f.write(f'{asked} {hashlib.sha256(data).hexdigest()}')
                os.replace('/root/hash', f'/root/hash.{asked}')
            signal.signal(signal.SIGUSR1, tell)
            with open('/root/pid.new', 'w') as f:
                f.write(str(os.getpid()))
            os.rename('/root/pid.new', '/root/pid')
            while True:
                signal.pause()
            """;

    private MemoryHolder() {}

    /** A sandbox of gVisor with the process in it. */
    static SandboxId start(AtollNode node) {
        SandboxId id = node.create(Isolation.GVISOR).id();
        node.sh(id, "cat > /root/holder.py <<'EOF'\n" + HOLDER + "EOF\n"
                + "python3 /root/holder.py >/dev/null 2>&1 &\nwhile ! test -e /root/pid; do sleep 0.01; done");
        return id;
    }

    /** The hash of what the holder should have in memory, made from what it began with. */
    static String expected(AtollNode node, SandboxId id, int count) {
        return node.sh(id, "python3 -c \"import hashlib; d = bytearray(open('/root/first', 'rb').read())\n"
                + "for i in range(1, " + (count + 1) + "): d[i] ^= 255\nprint(hashlib.sha256(d).hexdigest())\"");
    }

    /** Count and hash of what the holder has in memory, when it is asked for the nth time. */
    static String ask(AtollNode node, SandboxId id, int count) {
        return node.sh(id, "test -e /root/hash." + count + " || kill -USR1 $(cat /root/pid); "
                + "for i in $(seq 500); do test -e /root/hash." + count + " && break; sleep 0.01; done; cat /root/hash." + count);
    }
}
