package dev.atoll.tests.security;

import static dev.atoll.tests.AtollNode.CALLER;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.atoll.domain.ArchiveOptions;
import dev.atoll.domain.FileContext;
import dev.atoll.domain.FileDownload;
import dev.atoll.domain.FileInfo;
import dev.atoll.domain.Files;
import dev.atoll.domain.GuestException;
import dev.atoll.domain.GuestException.Code;
import dev.atoll.domain.InvalidFieldException;
import dev.atoll.domain.Isolation;
import dev.atoll.domain.WriteOptions;
import dev.atoll.tests.AtollNode;
import dev.atoll.tests.EachIsolation;
import dev.atoll.tests.Inside;
import dev.atoll.tests.Tar;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.TimeUnit;
import java.util.zip.GZIPOutputStream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.AfterParameterizedClassInvocation;
import org.junit.jupiter.params.BeforeParameterizedClassInvocation;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Names, kinds and sizes of files that nobody sends by accident: each is refused, clearly and soon. */
@EachIsolation
@Timeout(value = 1, unit = TimeUnit.MINUTES, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class HostileFilesTest {
    @Parameter
    Isolation isolation = Isolation.CONTAINER;

    private static final FileContext ROOT = FileContext.DEFAULT;
    private static final long MIB = 1 << 20;

    @SuppressWarnings("NullAway.Init") // before the first test of each class
    private static Inside box;
    private static final Files files = AtollNode.shared().engine().files();

    @BeforeParameterizedClassInvocation
    static void create(Isolation isolation) {
        // A million names in memory are some 2 GiB of the sentry's.
        box = AtollNode.shared().inside(AtollNode.base(isolation).memoryBytes(Optional.of(4096 * MIB)));
    }

    @AfterParameterizedClassInvocation
    static void delete() {
        box.close();
    }

    @Test
    void aNameWithNulOrTooManyBytesIsRefusedBeforeItIsSent() {
        for (String path : List.of("/tmp/a\0b", "", "/" + "a/".repeat(2048), "/tmp/" + "ü".repeat(2048))) {
            assertInvalid(() -> write(path, "x"));
            assertInvalid(() -> files.stat(CALLER, box.id(), ROOT, path, true));
            assertInvalid(() -> files.mkdir(CALLER, box.id(), ROOT, path, OptionalInt.empty(), true, true));
            assertInvalid(() -> files.rename(CALLER, box.id(), ROOT, "/tmp/a", path, false));
            assertInvalid(() -> files.archive(CALLER, box.id(), ROOT, "/", List.of(path), false));
        }
    }

    /** The kernel lets PID 1 look into itself, so PID 1 must not do it for others. */
    @Test
    void theMemoryMapOfPid1IsShownToNobody() {
        box.sh("ln -sfn /proc/1/maps /tmp/own; ln -sfn /proc/self /tmp/self");
        for (String path : List.of(
                "/proc/1/maps", "/proc/self/smaps", "/proc/thread-self/maps", "/proc/1/task/1/maps", "/tmp/own", "/tmp/self/maps")) {
            for (FileContext as : List.of(ROOT, new FileContext(Optional.of("nobody"), Optional.of("/")))) {
                assertRefused(Code.PERMISSION_DENIED, () -> files.read(CALLER, box.id(), as, path, 0, MIB).close());
            }
        }
        assertThat(box.sh("cat /proc/1/maps 2>/dev/null || echo closed").strip()).isEqualTo("closed");
        assertThat(box.sh("sleep 60 & cat /proc/$!/maps; kill $!")).contains("[stack]");
    }

    @Test
    void aPathThatTheWorkingDirectoryMakesTooLongIsRefusedInside() {
        var deep = new FileContext(Optional.empty(), Optional.of("/" + "b/".repeat(1500)));
        assertThatThrownBy(() -> files.stat(CALLER, box.id(), deep, "c/".repeat(1500), true))
                .isInstanceOfSatisfying(GuestException.class, e -> assertThat(e.code()).isIn(Code.INVALID, Code.NAME_TOO_LONG));
    }

    @Test
    void aSingleNameThatIsTooLongIsTheFileSystemsError() {
        assertRefused(Code.NAME_TOO_LONG, () -> write("/tmp/" + "n".repeat(256), "x"));
        write("/tmp/" + "n".repeat(255), "x");
    }

    @Test
    void dotsAndSlashesMeanWhatTheyMeanToTheKernel() {
        write("/root/../root//.//dots/../plain", "x");
        assertThat(box.sh("cat /root/plain")).isEqualTo("x");
        assertThat(files.stat(CALLER, box.id(), ROOT, "/../../../../root/plain", true).size()).isEqualTo(1);
        assertThat(box.sh("ls /root/plain")).contains("plain");
    }

    /** {@code /..} once emptied the sandbox. */
    @ParameterizedTest
    @ValueSource(strings = {"/", "//", "/..", "/.", "/root/..", "/root/../", "/proc/self/root/", "/proc/1/root/."})
    void theRootIsNotRemovedWhateverItIsCalled(String path) {
        assertRefused(Code.INVALID, () -> files.remove(CALLER, box.id(), ROOT, path, true, true));
        assertThat(box.sh("echo all there").strip()).isEqualTo("all there");
    }

    @Test
    void namesThatAreNoUtf8AreListedAndDisturbNothing() {
        box.python("""
                import os
                os.makedirs(b'/root/names')
                for name in (b'\\xff\\xfe', b'a\\nb', b'-rf', b'\\x1b[31m', b'%s%n', b'fine', b'\\xc3\\x28'):
                    open(b'/root/names/' + name, 'w').close()
                """);
        List<FileInfo> found = files.list(CALLER, box.id(), ROOT, "/root/names", 1, 100);
        assertThat(found).extracting(FileInfo::name)
                .contains("\uFFFD\uFFFD", "a\nb", "-rf", "\u001b[31m", "%s%n", "fine", "\uFFFD(");
        files.remove(CALLER, box.id(), ROOT, "/root/names", true, false);
        assertThat(box.exitCode("test -e /root/names")).isEqualTo(1);
    }

    @Test
    void whatWouldBlockIsRefused() {
        box.sh("cd /root && mkfifo fifo && python3 -c \"import socket; socket.socket(socket.AF_UNIX).bind('/root/socket')\"");
        assertRefused(Code.UNSUPPORTED, () -> read("/root/fifo"));
        assertRefused(Code.UNSUPPORTED, () -> write("/root/fifo", "x"));
        assertThatThrownBy(() -> read("/root/socket")).isInstanceOf(GuestException.class);
        assertRefused(Code.UNSUPPORTED, () -> read("/dev/tty"));
        assertRefused(Code.UNSUPPORTED, () -> read("/dev/ptmx"));
        assertRefused(Code.IS_DIRECTORY, () -> read("/root"));
        assertThat(files.search(CALLER, box.id(), ROOT, "/root", "never", false, 10)).isEmpty();
        assertRefused(Code.UNSUPPORTED, () -> files.copy(CALLER, box.id(), ROOT, "/root/fifo", "/root/copy", false));
    }

    @Test
    void anEndlessDeviceIsReadAsFarAsWasAsked() throws IOException {
        try (FileDownload zero = files.read(CALLER, box.id(), ROOT, "/dev/zero", 0, MIB)) {
            assertThat(zero.content().readAllBytes()).hasSize((int) MIB);
        }
        assertRefused(Code.INVALID, () -> files.read(CALLER, box.id(), ROOT, "/dev/zero", 0, -1));
    }

    @ParameterizedTest
    @ValueSource(strings = {"/proc/self/mem", "/proc/1/mem", "/proc/1/environ", "/proc/self/environ"})
    void theGuestsOwnMemoryIsNotAFile(String path) {
        assertThatThrownBy(() -> read(path)).isInstanceOf(GuestException.class);
        assertThatThrownBy(() -> write(path, "x")).isInstanceOf(GuestException.class);
    }

    @Test
    void entriesOfAnArchiveStayBelowTheTarget() {
        box.sh("mkdir /root/out /root/beside && echo safe > /root/beside/file && ln -s /root/beside /root/out/there");
        assertRefused(Code.INVALID, () -> extract(Tar.of().file("../beside/file", "x"), ArchiveOptions.PLAIN));
        assertRefused(Code.INVALID, () -> extract(Tar.of().file("a/../../beside/file", "x"), ArchiveOptions.PLAIN));
        assertRefused(Code.INVALID, () -> extract(Tar.of().hardLink("stolen", "../beside/file"), ArchiveOptions.PLAIN));
        // Absolute names, and links absolute and relative, are taken as from the target.
        for (Tar tar : List.of(
                Tar.of().file("/root/beside/file", "x"),
                Tar.of().symlink("link", "/root/beside").file("link/file", "x"),
                Tar.of().symlink("up", "../beside").file("up/file", "x"),
                Tar.of().symlink("one", "there").file("one/file", "x"),
                Tar.of().symlink("me", "/root/beside/file").file("me", "x"),
                Tar.of().hardLink("hard", "/root/beside/file").file("hard", "x"),
                Tar.of().symlink("s", "/root/beside").hardLink("t", "s/file").file("t", "x"),
                Tar.of().file("there/file", "x"))) {
            try {
                extract(tar, ArchiveOptions.PLAIN);
            } catch (GuestException e) {
                assertThat(e.code()).isNotEqualTo(Code.UNKNOWN);
            }
            assertThat(box.sh("cat /root/beside/file; ls /root/beside")).isEqualTo("safe\nfile\n");
        }
        assertThat(box.sh("stat -c %h /root/beside/file").strip()).as("hard links to it").isEqualTo("1");
        extract(Tar.of().header("device", '4', 0, ""), ArchiveOptions.PLAIN);
        assertThat(box.exitCode("test -e /root/out/device")).isEqualTo(1);
    }

    @Test
    void archivesThatPromiseOrUnpackTooMuchStopAtTheirLimits() throws IOException {
        var small = new ArchiveOptions(false, false, MIB, 100);
        assertRefused(Code.TOO_LARGE, () -> extract(Tar.of().header("huge", '0', 8L << 30, ""), small));
        Tar many = Tar.of();
        for (int i = 0; i < 101; i++) {
            many.directory("d" + i);
        }
        assertRefused(Code.TOO_LARGE, () -> extract(many, small));
        assertRefused(Code.INVALID, () -> extract(Tar.of().header("name", 'L', 1L << 30, ""), small));
        assertRefused(Code.INVALID, () -> extract(Tar.of().header("cut", '0', 5000, ""), small));
        byte[] bomb = bomb(256 * MIB);
        assertThat(bomb.length).isLessThan((int) (2 * MIB));
        assertRefused(Code.TOO_LARGE, () -> files.extract(
                CALLER, box.id(), ROOT, "/root/out", new ArchiveOptions(true, false, 64 * MIB, 100), new ByteArrayInputStream(bomb)));
        assertThat(Long.parseLong(box.sh("du -sm /root/out | cut -f1").strip())).isLessThanOrEqualTo(65);
    }

    @Test
    void aDirectoryOfAMillionNamesIsListedToTheLimitOrRefused() {
        // Names of one file in memory: a million of them are made in seconds.
        box.python("""
                import os
                os.makedirs('/dev/shm/many')
                os.chdir('/dev/shm/many')
                open('0', 'w').close()
                for i in range(1, 1000001):
                    os.link('0', str(i))
                """);
        assertThatThrownBy(() -> files.list(CALLER, box.id(), ROOT, "/dev/shm/many", 1, 1000))
                .isInstanceOfSatisfying(GuestException.class, e -> assertThat(e.code()).isEqualTo(Code.TOO_LARGE));
        assertThat(box.sh("echo still there").strip()).isEqualTo("still there");
        box.sh("rm -r /dev/shm/many");
    }

    private static byte[] bomb(long size) throws IOException {
        var compressed = new ByteArrayOutputStream();
        try (var gzip = new GZIPOutputStream(compressed)) {
            // The header says little enough, one entry after the other.
            byte[] zeros = new byte[(int) MIB];
            for (long written = 0; written < size; written += MIB) {
                byte[] header = Tar.of().header("zeros" + written, '0', MIB, "").bytes();
                gzip.write(header, 0, 512);
                gzip.write(zeros);
            }
        }
        return compressed.toByteArray();
    }

    private static void assertInvalid(ThrowingCallable call) {
        assertThatThrownBy(call).isInstanceOf(InvalidFieldException.class);
    }

    private static void assertRefused(Code code, ThrowingCallable call) {
        assertThatThrownBy(call).isInstanceOfSatisfying(
                GuestException.class, e -> assertThat(e.code()).as(e.getMessage()).isEqualTo(code));
    }

    private static void extract(Tar tar, ArchiveOptions options) {
        files.extract(CALLER, box.id(), ROOT, "/root/out", options, new ByteArrayInputStream(tar.bytes()));
    }

    private static void read(String path) {
        try (FileDownload file = files.read(CALLER, box.id(), ROOT, path, 0, 1000);
                InputStream content = file.content()) {
            content.readAllBytes();
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private static void write(String path, String content) {
        files.write(CALLER, box.id(), ROOT, path, WriteOptions.REPLACE, new ByteArrayInputStream(content.getBytes(StandardCharsets.UTF_8)));
    }
}
