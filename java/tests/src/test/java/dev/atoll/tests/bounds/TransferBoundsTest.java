package dev.atoll.tests.bounds;

import static dev.atoll.tests.AtollNode.CALLER;
import static org.assertj.core.api.Assertions.assertThat;

import dev.atoll.domain.FileContext;
import dev.atoll.domain.FileDownload;
import dev.atoll.domain.Isolation;
import dev.atoll.domain.WriteOptions;
import dev.atoll.tests.AtollNode;
import dev.atoll.tests.EachIsolation;
import dev.atoll.tests.Inside;
import dev.atoll.tests.Kernel;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.Parameter;

/** A file as large as the whole heap goes in and out unchanged. */
@EachIsolation
class TransferBoundsTest {
    @Parameter
    Isolation isolation = Isolation.CONTAINER;

    /** The heap's size (-Xmx256m), so that what was held in memory would not fit. */
    private static final long SIZE = 256L << 20;
    private static final long MOST_GUEST_MEMORY = 6L << 20;
    /** Guest, the program that runs inside, and the sentry, which is about 12 MiB. */
    private static final long MOST_SENTRY_MEMORY = 96L << 20;
    private static final String FILE = "/root/large";

    @Test
    void aFileOfTheHeapsSizeGoesInAndOut() throws IOException, NoSuchAlgorithmException {
        AtollNode node = AtollNode.shared();
        try (Inside box = node.inside(AtollNode.base(isolation))) {
            int guest = node.pidOf(box.id());
            var up = new DigestInputStream(new Noise(SIZE), MessageDigest.getInstance("SHA-256"));
            node.engine().files().write(CALLER, box.id(), FileContext.DEFAULT, FILE, WriteOptions.REPLACE, up);
            String sent = HexFormat.of().formatHex(up.getMessageDigest().digest());
            assertThat(box.sh("sha256sum " + FILE)).startsWith(sent);

            var down = MessageDigest.getInstance("SHA-256");
            try (FileDownload file = node.engine().files().read(CALLER, box.id(), FileContext.DEFAULT, FILE, 0, -1)) {
                assertThat(file.info().size()).isEqualTo(SIZE);
                new DigestInputStream(file.content(), down).transferTo(OutputStream.nullOutputStream());
            }
            assertThat(HexFormat.of().formatHex(down.digest())).isEqualTo(sent);
            assertMemoryBounded(guest);
        }
    }

    private void assertMemoryBounded(int pid) {
        switch (isolation) {
            case GVISOR -> assertThat(Kernel.sentryMemory(pid)).isLessThan(MOST_SENTRY_MEMORY);
            default -> assertThat(Kernel.anonymousMemory(pid)).isLessThan(MOST_GUEST_MEMORY);
        }
    }

    /** A million random bytes over and over, each time with another first one. */
    private static final class Noise extends InputStream {
        private final byte[] block = new byte[1_000_003];
        private long left;
        private int at;

        Noise(long size) {
            left = size;
            new Random(7).nextBytes(block);
        }

        @Override
        public int read() {
            byte[] one = new byte[1];
            return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
        }

        @Override
        public int read(byte[] into, int offset, int length) {
            if (left == 0) {
                return -1;
            }
            if (at == block.length) {
                at = 0;
                block[0]++;
            }
            int n = (int) Math.min(left, Math.min(length, block.length - at));
            System.arraycopy(block, at, into, offset, n);
            at += n;
            left -= n;
            return n;
        }
    }
}
