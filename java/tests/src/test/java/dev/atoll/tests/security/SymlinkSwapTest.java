package dev.atoll.tests.security;

import static dev.atoll.tests.AtollNode.CALLER;
import static org.assertj.core.api.Assertions.assertThat;

import dev.atoll.domain.ArchiveOptions;
import dev.atoll.domain.FileContext;
import dev.atoll.domain.FileDownload;
import dev.atoll.domain.FileInfo;
import dev.atoll.domain.Files;
import dev.atoll.domain.GuestException;
import dev.atoll.domain.Isolation;
import dev.atoll.domain.ProcessId;
import dev.atoll.domain.ProcessSpec;
import dev.atoll.domain.Processes;
import dev.atoll.domain.WriteOptions;
import dev.atoll.tests.AtollNode;
import dev.atoll.tests.EachIsolation;
import dev.atoll.tests.Inside;
import dev.atoll.tests.Tar;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.Parameter;

/**
 * Inside, directories and symbolic links change places as fast as they can while files are worked on
 * from outside. A path may lead anywhere that its user could go alone, never further; what works on a
 * whole tree never leaves it.
 */
@EachIsolation
@Timeout(value = 2, unit = TimeUnit.MINUTES, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class SymlinkSwapTest {
    @Parameter
    Isolation isolation = Isolation.CONTAINER;

    private static final int ROUNDS = 60;
    private static final String SECRET = "only root may read this";

    /**
     * Exchanges {@code x} and {@code y} of the directory given, a directory and a link, in one atomic
     * step each time, and lets the link lead elsewhere in turn. RENAME_EXCHANGE is 2, renameat2 is 316
     * on x86-64.
     */
    private static final String SWAP = """
            import ctypes, itertools, os, sys
            libc = ctypes.CDLL(None, use_errno=True)
            os.chdir(sys.argv[1])
            targets = itertools.cycle(['/', '/proc/self/root', '..', '../..', '/root', '/etc', '/root/keep'])
            while True:
                link = 'x' if os.path.islink('x') else 'y'
                try:
                    os.symlink(next(targets), 'new')
                    os.rename('new', link)
                except OSError:
                    pass
                for i in range(40):
                    libc.syscall(316, -100, b'x', -100, b'y', 2)
                if not os.path.isdir('x') and not os.path.isdir('y') or not os.path.lexists('x') or not os.path.lexists('y'):
                    for name, make in (('x', lambda: os.mkdir('x')), ('y', lambda: os.symlink('/', 'y'))):
                        if not os.path.lexists(name):
                            make()
            """;

    /**
     * Writes what is known of everything that is not the playground, as far as a change of it can be seen, to the
     * file given.
     */
    private static final String FINGERPRINT = """
            (find / -xdev \\( -path /srv/play -o -path /tmp -o -path /var/tmp -o -path /proc -o -path /dev -o -path /run \\) -prune \
            -o -type d -printf '%p %m %u %g %T@ %y\\n' -o -printf '%p %m %u %g %s %T@ %y\\n' | sort; sha256sum /etc/passwd /etc/shadow /root/secret /root/keep/*) > """;

    /** Where only root gets. */
    private static final String BEFORE = "/run/before";

    private final Files files = AtollNode.shared().engine().files();
    private final Processes processes = AtollNode.shared().engine().processes();
    private final AtomicInteger done = new AtomicInteger();
    private Inside box;

    @BeforeEach
    void prepare() {
        box = AtollNode.shared().inside(AtollNode.base(isolation));
        box.sh("""
                mkdir -p /root/keep && echo kept > /root/keep/file && chmod 700 /root
                printf '%s' '""" + SECRET + """
                ' > /root/secret && chmod 600 /root/secret
                mkdir -p /srv/play && chown nobody:nogroup /srv/play && chmod 755 /srv/play
                mkdir /srv/out && sync
                # gVisor shows times of its own until it reads them from the disk, microseconds off; those that are set are the same.
                find / -xdev -mmin -60 -not -path '/proc*' -not -path '/dev*' -not -path '/sys*' -not -path '/run*' -exec touch -h -d @1000000000 {} +""");
    }

    @AfterEach
    void delete() {
        box.close();
    }

    private ProcessId startSwapping() {
        return processes.startDetached(
                        CALLER, box.id(),
                        ProcessSpec.of(List.of("python3", "-c", SWAP, "/srv/play"))
                                .withUser(Optional.of("nobody"))
                                .withCwd(Optional.of("/")))
                .id();
    }

    private void assertRuns(ProcessId swapper) {
        assertThat(processes.await(CALLER, box.id(), swapper, Duration.ZERO))
                .as("the swapping process runs")
                .isEmpty();
    }

    @Test
    void aUserGetsNoFurtherThanAlone() {
        var nobody = new FileContext(Optional.of("nobody"), Optional.of("/srv/play"));
        box.sh("cd /srv/play && mkdir x && echo mine > x/secret && mkdir x/keep x/root x/etc && ln -s / y && chown -hR nobody:nogroup .");
        box.sh(FINGERPRINT + BEFORE);
        ProcessId swapper = startSwapping();
        byte[] tar = Tar.of().file("secret", "overwritten").directory("etc").file("etc/passwd", "overwritten").bytes();
        for (int round = 0; round < ROUNDS; round++) {
            for (String path : List.of("x/secret", "x/root/secret", "x/keep/file", "x/shadow", "x/etc/shadow")) {
                attempt(() -> assertThat(contentOf(nobody, path)).doesNotContain(SECRET).doesNotContain("kept", "root:"));
            }
            attempt(() -> write(nobody, "x/secret"));
            attempt(() -> write(nobody, "x/passwd"));
            attempt(() -> write(nobody, "x/etc/passwd"));
            attempt(() -> write(nobody, "x/etc/made"));
            attempt(() -> files.list(CALLER, box.id(), nobody, "x/root", 3, 1000).forEach(this::assertForNobody));
            attempt(() -> files.list(CALLER, box.id(), nobody, "x/keep", 3, 1000).forEach(this::assertForNobody));
            attempt(() -> files.mkdir(CALLER, box.id(), nobody, "x/etc/made/by", OptionalInt.empty(), true, true));
            attempt(() -> files.mkdir(CALLER, box.id(), nobody, "x/keep/made", OptionalInt.of(0777), false, true));
            attempt(() -> files.chmod(CALLER, box.id(), nobody, "x/etc", 0777, true));
            attempt(() -> files.chmod(CALLER, box.id(), nobody, "x/root", 0777, false));
            attempt(() -> files.chown(CALLER, box.id(), nobody, "x/root", Optional.of("nobody"), Optional.empty(), true));
            attempt(() -> files.rename(CALLER, box.id(), nobody, "x/secret", "x/renamed", false));
            attempt(() -> files.rename(CALLER, box.id(), nobody, "x/etc/passwd", "x/passwd", false));
            attempt(() -> files.copy(CALLER, box.id(), nobody, "x/root", "copy", true));
            attempt(() -> files.copy(CALLER, box.id(), nobody, "x/secret", "copied", false));
            attempt(() -> files.replace(CALLER, box.id(), nobody, List.of("/srv/play/x/etc/passwd"), "root", "toor", false));
            attempt(() -> assertThat(archive(nobody, "x", List.of("secret", "root", "keep"))).doesNotContain(SECRET).doesNotContain("kept"));
            attempt(() -> assertThat(files.search(CALLER, box.id(), nobody, "x/root", "only root", false, 100)).isEmpty());
            attempt(() -> files.extract(CALLER, box.id(), nobody, "x", ArchiveOptions.PLAIN, new ByteArrayInputStream(tar)));
            attempt(() -> files.remove(CALLER, box.id(), nobody, "x/keep", true, true));
            attempt(() -> files.remove(CALLER, box.id(), nobody, "x/etc", true, true));
            attempt(() -> files.remove(CALLER, box.id(), nobody, "copy", true, true));
        }
        assertRuns(swapper);
        assertThat(done).as("operations that the swaps let through").hasPositiveValue();
        assertNothingChanged();
        assertThat(box.sh("cat /root/secret")).contains(SECRET);
    }

    /** Root works on a tree whose owner swaps what is in it. */
    @Test
    void workOnATreeStaysInIt() {
        var root = new FileContext(Optional.of("root"), Optional.of("/srv"));
        box.sh(FINGERPRINT + BEFORE);
        byte[] tar = Tar.of().file("x/file", "extracted").file("y/secret", "extracted").directory("x/keep").bytes();
        for (int round = 0; round < ROUNDS / 4; round++) {
            box.sh("cd /srv/play && rm -rf * && mkdir x && touch x/file x/secret && mkdir x/keep && ln -s /root y && chown -hR nobody:nogroup .");
            ProcessId swapper = startSwapping();
            for (int times = 0; times < 8; times++) {
                attempt(() -> files.chmod(CALLER, box.id(), root, "play", 0757, true));
                attempt(() -> files.chown(CALLER, box.id(), root, "play", Optional.of("nobody"), Optional.of("nogroup"), true));
                attempt(() -> files.copy(CALLER, box.id(), root, "play", "/tmp/copy", true));
                attempt(() -> assertThat(archive(root, "play", List.of("."))).doesNotContain(SECRET));
                attempt(() -> assertThat(files.search(CALLER, box.id(), root, "play", "only root", false, 100)).isEmpty());
                attempt(() -> files.list(CALLER, box.id(), root, "play", 4, 1000)
                        .forEach(f -> assertThat(f.size()).as(f.path()).isNotEqualTo(SECRET.length())));
                attempt(() -> files.extract(CALLER, box.id(), root, "play", ArchiveOptions.PLAIN, new ByteArrayInputStream(tar)));
                assertThat(box.exitCode("grep -rqs '" + SECRET + "' /tmp/copy")).as("a copy holds the secret").isEqualTo(1);
                attempt(() -> files.remove(CALLER, box.id(), root, "/tmp/copy", true, true));
            }
            attempt(() -> files.remove(CALLER, box.id(), root, "play/x", true, true));
            attempt(() -> files.remove(CALLER, box.id(), root, "play/y", true, true));
            end(swapper);
        }
        assertThat(done).as("operations that the swaps let through").hasPositiveValue();
        assertNothingChanged();
    }

    private void assertNothingChanged() {
        box.sh(FINGERPRINT + "/run/after");
        assertThat(box.shAllowFailure("diff " + BEFORE + " /run/after | head -50")).isEmpty();
    }

    private void end(ProcessId swapper) {
        assertRuns(swapper);
        processes.signal(CALLER, box.id(), swapper, 9, true);
        assertThat(processes.await(CALLER, box.id(), swapper, Duration.ofSeconds(20))).isPresent();
    }

    /** The guest refuses most of it, each time with a reason of its file system. */
    private void attempt(Runnable operation) {
        try {
            operation.run();
            done.incrementAndGet();
        } catch (GuestException e) {
            assertThat(e.code()).as(e.getMessage()).isNotIn(GuestException.Code.UNKNOWN, GuestException.Code.BUSY);
        }
    }

    private void assertForNobody(FileInfo found) {
        assertThat(found.size()).as(found.path()).isNotEqualTo(SECRET.length());
    }

    private String contentOf(FileContext context, String path) {
        try (FileDownload file = files.read(CALLER, box.id(), context, path, 0, 10_000)) {
            return new String(file.content().readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private String archive(FileContext context, String base, List<String> paths) {
        try (InputStream tar = files.archive(CALLER, box.id(), context, base, paths, false)) {
            return new String(tar.readNBytes(8 << 20), StandardCharsets.ISO_8859_1);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void write(FileContext context, String path) {
        files.write(CALLER, box.id(), context, path, WriteOptions.REPLACE,
                new ByteArrayInputStream("written".getBytes(StandardCharsets.UTF_8)));
    }
}
