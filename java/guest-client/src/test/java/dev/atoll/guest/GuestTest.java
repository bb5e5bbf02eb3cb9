package dev.atoll.guest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.atoll.domain.ArchiveOptions;
import dev.atoll.domain.Execution;
import dev.atoll.domain.FileContext;
import dev.atoll.domain.FileDownload;
import dev.atoll.domain.FileInfo;
import dev.atoll.domain.FileWatch;
import dev.atoll.domain.GuestException;
import dev.atoll.domain.Ports;
import dev.atoll.domain.ProcessEvent;
import dev.atoll.domain.ProcessId;
import dev.atoll.domain.ProcessSpec;
import dev.atoll.domain.ProcessStream;
import dev.atoll.domain.UnavailableException;
import dev.atoll.domain.WatchEvent;
import dev.atoll.domain.WriteOptions;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Random;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Every operation against the real guest program. */
@Timeout(60)
final class GuestTest {
    private static final FileContext HERE = FileContext.DEFAULT;

    @TempDir
    private Path directory;

    private GuestHub hub;
    private GuestEndpoint endpoint;
    private RealGuest guest;

    @BeforeEach
    void start() throws IOException {
        hub = new GuestHub();
        endpoint = hub.open(directory.resolve("s"));
        guest = RealGuest.start(directory.resolve("s"), directory.resolve("spool"));
        endpoint.awaitConnected(Duration.ofSeconds(10));
    }

    @AfterEach
    void stop() throws InterruptedException {
        guest.close();
        hub.close();
    }

    private static ProcessId pid(String name) {
        return new ProcessId(name);
    }

    private Execution sh(String id, String command) {
        return endpoint.processes().run(pid(id), ProcessSpec.shell("/bin/sh", command), 1 << 20);
    }

    private static String text(byte[] bytes) {
        return new String(bytes, StandardCharsets.UTF_8);
    }

    private String path(String name) {
        return directory.resolve(name).toString();
    }

    private FileInfo put(String name, String content) {
        return endpoint.files()
                .write(HERE, path(name), WriteOptions.REPLACE, new ByteArrayInputStream(content.getBytes(StandardCharsets.UTF_8)));
    }

    // --- processes ----------------------------------------------------------------------------

    @Test
    void a_run_collects_both_streams_and_the_exit() {
        Execution done = sh("a", "echo out; echo err >&2; exit 3");

        assertThat(text(done.stdout())).isEqualTo("out\n");
        assertThat(text(done.stderr())).isEqualTo("err\n");
        assertThat(done.exit().code()).isEqualTo(3);
        assertThat(done.truncated()).isFalse();
    }

    @Test
    void a_run_keeps_no_more_than_asked() {
        Execution done =
                endpoint.processes().run(pid("a"), ProcessSpec.shell("/bin/sh", "head -c 1000000 /dev/zero"), 1000);

        assertThat(done.stdout()).hasSize(1000);
        assertThat(done.truncated()).isTrue();
        assertThat(done.exit().stdoutBytes()).isEqualTo(1_000_000);
    }

    @Test
    void a_command_that_is_not_there_says_so() {
        assertThatExceptionOfType(GuestException.class)
                .isThrownBy(() -> endpoint.processes()
                        .run(pid("a"), ProcessSpec.of(List.of("no-such-command-at-all")), 10))
                .satisfies(e -> assertThat(e.code()).isEqualTo(GuestException.Code.NO_SUCH_COMMAND));
        assertThat(text(sh("b", "echo still").stdout())).isEqualTo("still\n");
    }

    @Test
    void a_timeout_ends_the_process() {
        Execution done = endpoint.processes()
                .run(
                        pid("a"),
                        ProcessSpec.of(List.of("sleep", "100")).withTimeout(Duration.ofMillis(200)),
                        10);

        assertThat(done.exit().timedOut()).isTrue();
    }

    @Test
    void a_command_longer_than_one_argument_runs() {
        String command = "x=" + "y".repeat(300_000) + "; echo ${#x}";

        assertThat(text(sh("a", command).stdout())).isEqualTo("300000\n");
    }

    @Test
    void input_goes_in_and_output_comes_out() {
        try (ProcessStream cat = endpoint.processes().start(pid("a"), ProcessSpec.of(List.of("cat")).withStdin(true))) {
            byte[] hello = "hello".getBytes(StandardCharsets.UTF_8);
            cat.write(hello, 0, hello.length);
            cat.closeInput();

            assertThat(cat.next()).hasValueSatisfying(e -> assertThat(text(((ProcessEvent.Output) e).bytes()))
                    .isEqualTo("hello"));
            assertThat(cat.next()).get().isInstanceOf(ProcessEvent.Exited.class);
            assertThat(cat.next()).isEmpty();
        }
    }

    @Test
    void a_terminal_has_the_size_it_was_given() {
        ProcessSpec spec = ProcessSpec.of(List.of("sh", "-c", "read x; stty size"))
                .withTty(new ProcessSpec.Tty(80, 24, "xterm"));
        StringBuilder seen = new StringBuilder();
        try (ProcessStream shell = endpoint.processes().start(pid("a"), spec)) {
            shell.resize(132, 43);
            shell.write(new byte[] {'\n'}, 0, 1);
            for (Optional<ProcessEvent> e = shell.next(); e.isPresent(); e = shell.next()) {
                if (e.get() instanceof ProcessEvent.Output output) {
                    seen.append(text(output.bytes()));
                }
            }
        }
        assertThat(seen).contains("43 132");
    }

    @Test
    void a_detached_process_is_read_late_and_signalled() {
        endpoint.processes().startDetached(pid("a"), ProcessSpec.shell("/bin/sh", "echo early; exec sleep 100"));
        assertThat(endpoint.processes().await(pid("a"), Duration.ZERO)).isEmpty();
        try (ProcessStream late = endpoint.processes().attach(pid("a"), 0, 0, false)) {
            assertThat(late.next()).hasValueSatisfying(e -> assertThat(text(((ProcessEvent.Output) e).bytes()))
                    .isEqualTo("early\n"));
            endpoint.processes().signal(pid("a"), 15, false);
            assertThat(late.next()).hasValueSatisfying(e -> assertThat(
                            ((ProcessEvent.Exited) e).exit().signal())
                    .isEqualTo(15));
        }
        assertThat(endpoint.processes().list(false)).isEmpty();
        assertThat(endpoint.processes().list(true)).singleElement().satisfies(p -> assertThat(p.id())
                .isEqualTo(pid("a")));
        endpoint.processes().forget(pid("a"));
        assertThat(endpoint.processes().list(true)).isEmpty();
    }

    @Test
    void input_at_an_offset_is_not_taken_twice() {
        endpoint.processes().startDetached(pid("a"), ProcessSpec.of(List.of("cat")).withStdin(true));
        byte[] data = "abc".getBytes(StandardCharsets.UTF_8);

        assertThat(endpoint.processes().input(pid("a"), 0, data, false)).isEqualTo(3);
        assertThat(endpoint.processes().input(pid("a"), 0, data, false)).isEqualTo(3);
        assertThat(endpoint.processes().input(pid("a"), -1, data, true)).isEqualTo(6);

        assertThat(endpoint.processes().await(pid("a"), Duration.ofSeconds(10))).isPresent();
        try (ProcessStream output = endpoint.processes().attach(pid("a"), 0, 0, true)) {
            assertThat(output.next()).hasValueSatisfying(e -> assertThat(text(((ProcessEvent.Output) e).bytes()))
                    .isEqualTo("abcabc"));
        }
    }

    @Test
    void a_second_spawn_of_an_id_attaches() {
        sh("a", "echo once >> " + path("ran"));
        sh("a", "echo once >> " + path("ran"));

        assertThat(text(sh("b", "cat " + path("ran")).stdout())).isEqualTo("once\n");
    }

    @Test
    void many_runs_at_once_all_end() throws Exception {
        List<Future<Execution>> runs = new ArrayList<>();
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            for (int i = 0; i < 64; i++) {
                String id = "p" + i;
                runs.add(threads.submit(() -> sh(id, "echo " + id)));
            }
            for (int i = 0; i < 64; i++) {
                assertThat(text(runs.get(i).get().stdout())).isEqualTo("p" + i + "\n");
            }
        }
    }

    @Test
    void the_environment_of_configure_reaches_processes() {
        endpoint.configure(new GuestConfig(
                7, "", Map.of("COLOUR", "blue"), "", directory.toString(), new byte[] {1, 2, 3}, 1 << 20, List.of(),
                List.of(), 0));

        assertThat(endpoint.generation()).isEqualTo(7);
        assertThat(text(sh("a", "echo $COLOUR; pwd").stdout())).isEqualTo("blue\n" + directory + "\n");
    }

    // --- files --------------------------------------------------------------------------------

    @Test
    void a_file_is_written_and_read_back() throws IOException {
        FileInfo written = put("a/b/c.txt", "content");

        assertThat(written.size()).isEqualTo(7);
        assertThat(endpoint.files().stat(HERE, path("a/b/c.txt"), true).type()).isEqualTo(FileInfo.Type.FILE);
        try (FileDownload download = endpoint.files().read(HERE, path("a/b/c.txt"), 0, -1)) {
            assertThat(text(download.content().readAllBytes())).isEqualTo("content");
        }
        try (FileDownload part = endpoint.files().read(HERE, path("a/b/c.txt"), 3, 2)) {
            assertThat(text(part.content().readAllBytes())).isEqualTo("te");
        }
        try (FileDownload none = endpoint.files().read(HERE, path("a/b/c.txt"), 3, 0)) {
            assertThat(none.content().readAllBytes()).isEmpty();
        }
    }

    @Test
    void files_about_a_frame_a_piece_and_a_window_long_survive() throws IOException {
        for (int size : new int[] {
            0, 1, Frame.MAX_DATA - 1, Frame.MAX_DATA, Frame.MAX_DATA + 1, Window.PIECE_BYTES, Window.PIECE_BYTES + 1,
            Window.BYTES, Window.BYTES + 1, 5 * Window.BYTES - 1
        }) {
            byte[] bytes = new byte[size];
            new Random(size).nextBytes(bytes);
            endpoint.files().write(HERE, path("f"), WriteOptions.REPLACE, new ByteArrayInputStream(bytes));

            ByteArrayOutputStream back = new ByteArrayOutputStream();
            try (FileDownload download = endpoint.files().read(HERE, path("f"), 0, -1)) {
                download.content().transferTo(back);
            }
            assertThat(back.toByteArray()).isEqualTo(bytes);
            assertThat(endpoint.directory().resolve(Window.NAME)).doesNotExist();
        }
    }

    @Test
    void an_upload_that_the_guest_refuses_half_way_ends_with_its_error() {
        InputStream endless = new InputStream() {
            @Override
            public int read() {
                return 0;
            }

            @Override
            public int read(byte[] bytes, int offset, int length) {
                return length;
            }
        };

        assertThatExceptionOfType(GuestException.class)
                .isThrownBy(() -> endpoint.files()
                        .write(HERE, "/proc/no/such/file", WriteOptions.REPLACE, endless));
        assertThat(text(sh("a", "echo alive").stdout())).isEqualTo("alive\n");
    }

    @Test
    void an_upload_whose_source_fails_leaves_the_old_content() throws IOException {
        put("f", "old");
        InputStream failing = new InputStream() {
            private int left = 2 * Frame.MAX_DATA;

            @Override
            public int read() throws IOException {
                throw new IOException("read one by one");
            }

            @Override
            public int read(byte[] bytes, int offset, int length) throws IOException {
                if (left == 0) {
                    throw new IOException("the client went away");
                }
                int n = Math.min(left, length);
                left -= n;
                return n;
            }
        };

        assertThatExceptionOfType(UncheckedIOException.class)
                .isThrownBy(() -> endpoint.files().write(HERE, path("f"), WriteOptions.REPLACE, failing));
        try (FileDownload download = endpoint.files().read(HERE, path("f"), 0, -1)) {
            assertThat(text(download.content().readAllBytes())).isEqualTo("old");
        }
    }

    @Test
    void a_download_that_is_closed_half_way_holds_up_nothing() throws IOException {
        byte[] bytes = new byte[4 << 20];
        endpoint.files().write(HERE, path("f"), WriteOptions.REPLACE, new ByteArrayInputStream(bytes));
        for (int i = 0; i < 10; i++) {
            try (FileDownload download = endpoint.files().read(HERE, path("f"), 0, -1)) {
                assertThat(download.content().read(new byte[10])).isPositive();
            }
        }
        assertThat(text(sh("a", "echo alive").stdout())).isEqualTo("alive\n");
    }

    @Test
    void the_tree_is_changed_listed_and_searched() {
        put("t/one.txt", "alpha\nbeta\n");
        endpoint.files().mkdir(HERE, path("t/sub"), OptionalInt.empty(), false, false);
        endpoint.files().copy(HERE, path("t/one.txt"), path("t/sub/two.txt"), false);
        endpoint.files().rename(HERE, path("t/sub/two.txt"), path("t/sub/three.txt"), true);
        endpoint.files().chmod(HERE, path("t/one.txt"), 0600, false);
        endpoint.files().symlink(HERE, "one.txt", path("t/link"));

        assertThat(endpoint.files().list(HERE, path("t"), 1, 100))
                .extracting(FileInfo::name)
                .containsExactlyInAnyOrder("one.txt", "sub", "link");
        assertThat(endpoint.files().stat(HERE, path("t/one.txt"), true).mode()).isEqualTo(0600);
        assertThat(endpoint.files().stat(HERE, path("t/link"), false).linkTarget()).contains("one.txt");
        assertThat(endpoint.files().glob(HERE, path("t"), "**/*.txt", 100)).hasSize(2);
        assertThat(endpoint.files().search(HERE, path("t"), "beta", false, 10)).hasSize(2).allSatisfy(match -> {
            assertThat(match.line()).isEqualTo(2);
            assertThat(match.content()).isEqualTo("beta");
        });
        assertThat(endpoint.files().replace(HERE, List.of(path("t/one.txt")), "alpha", "gamma", false))
                .singleElement()
                .satisfies(r -> assertThat(r.count()).isEqualTo(1));
        endpoint.files().remove(HERE, path("t"), true, false);
        endpoint.files().remove(HERE, path("t"), true, true);
        assertThatExceptionOfType(GuestException.class)
                .isThrownBy(() -> endpoint.files().stat(HERE, path("t"), true))
                .satisfies(e -> assertThat(e.code()).isEqualTo(GuestException.Code.NOT_FOUND));
    }

    @Test
    void a_tar_goes_out_and_in() throws IOException {
        put("from/a", "first");
        put("from/d/b", "second");
        byte[] tar;
        try (InputStream archive = endpoint.files().archive(HERE, path("from"), List.of(path("from")), true)) {
            tar = archive.readAllBytes();
        }

        long entries = endpoint.files()
                .extract(HERE, path("to"), new ArchiveOptions(true, false, 0, 0), new ByteArrayInputStream(tar));

        assertThat(entries).isPositive();
        assertThat(Files.readString(directory.resolve("to/d/b"))).isEqualTo("second");
    }

    @Test
    void a_watch_sees_what_happens_after_it_stands() {
        put("w/old", "x");
        try (FileWatch watch = endpoint.files().watch(HERE, path("w"), true)) {
            put("w/new", "y");
            List<String> seen = new ArrayList<>();
            while (seen.stream().noneMatch(p -> p.endsWith("new"))) {
                WatchEvent event = watch.next().orElseThrow();
                seen.add(event.path());
            }
        }
    }

    @Test
    void a_watch_that_is_closed_ends() throws Exception {
        try (FileWatch watch = endpoint.files().watch(HERE, directory.toString(), false);
                ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            Future<Optional<WatchEvent>> next = threads.submit(watch::next);
            watch.close();
            assertThat(next.get()).isEmpty();
        }
    }

    // --- ports, metrics -----------------------------------------------------------------------

    @Test
    void a_pipe_reaches_a_port_and_closes_by_halves() throws Exception {
        try (ServerSocket server = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
                ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            Future<byte[]> received = threads.submit(() -> {
                try (Socket socket = server.accept()) {
                    byte[] all = socket.getInputStream().readAllBytes();
                    socket.getOutputStream().write("bye".getBytes(StandardCharsets.UTF_8));
                    return all;
                }
            });
            try (Ports.Pipe pipe = endpoint.ports().dial(server.getLocalPort())) {
                OutputStream out = pipe.output();
                out.write("hello".getBytes(StandardCharsets.UTF_8));
                pipe.closeOutput();
                assertThat(text(pipe.input().readAllBytes())).isEqualTo("bye");
            }
            assertThat(text(received.get())).isEqualTo("hello");
            assertThat(endpoint.ports().listening())
                    .anySatisfy(l -> assertThat(l.port()).isEqualTo(server.getLocalPort()));
        }
    }

    @Test
    void a_port_where_nobody_listens_refuses() throws IOException {
        int port;
        try (ServerSocket server = new ServerSocket(0)) {
            port = server.getLocalPort();
        }
        assertThatExceptionOfType(GuestException.class)
                .isThrownBy(() -> endpoint.ports().dial(port))
                .satisfies(e -> assertThat(e.code()).isEqualTo(GuestException.Code.CONNECTION_REFUSED));
    }

    @Test
    void metrics_are_plausible() {
        endpoint.ping();
        assertThat(endpoint.metrics().diskTotal()).isPositive();
    }

    // --- life of the endpoint -----------------------------------------------------------------

    @Test
    void a_killed_guest_wakes_its_callers() throws Exception {
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
                ProcessStream stream = endpoint.processes().start(pid("a"), ProcessSpec.of(List.of("sleep", "3")))) {
            Future<Optional<ProcessEvent>> next = threads.submit(stream::next);
            guest.kill();
            assertThatExceptionOfType(ExecutionException.class)
                    .isThrownBy(next::get)
                    .withCauseInstanceOf(UnavailableException.class);
        }
    }

    @Test
    void closing_the_endpoint_wakes_its_callers() throws Exception {
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
                ProcessStream stream = endpoint.processes().start(pid("a"), ProcessSpec.of(List.of("sleep", "3")))) {
            Future<Optional<ProcessEvent>> next = threads.submit(stream::next);
            endpoint.close();
            assertThatExceptionOfType(ExecutionException.class)
                    .isThrownBy(next::get)
                    .withCauseInstanceOf(UnavailableException.class);
        }
        assertThatExceptionOfType(UnavailableException.class).isThrownBy(() -> endpoint.ping());
    }

    @Test
    void a_guest_dials_the_socket_of_a_restarted_engine() {
        hub.close();
        hub = new GuestHub();
        endpoint = hub.open(directory.resolve("s"));

        endpoint.awaitConnected(Duration.ofSeconds(20));
        endpoint.ping();
    }
}
