package dev.atoll.guest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import com.google.protobuf.ByteString;
import com.google.protobuf.MessageLite;
import dev.atoll.domain.FileContext;
import dev.atoll.domain.ProcessId;
import dev.atoll.domain.ProcessSpec;
import dev.atoll.domain.UnavailableException;
import dev.atoll.guest.proto.FileBatch;
import dev.atoll.guest.proto.FileInfo;
import dev.atoll.guest.proto.Hello;
import dev.atoll.guest.proto.Ok;
import dev.atoll.guest.proto.ProcessExited;
import dev.atoll.guest.proto.ProcessStarted;
import dev.atoll.guest.proto.Reply;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The test is the guest, and sends what no honest one does. Nothing hangs, nothing grows without bound. */
@Timeout(30)
final class HostileGuestTest {
    private static final GuestTimeouts SHORT = new GuestTimeouts(
            Duration.ofSeconds(1), Duration.ofSeconds(1), Duration.ofSeconds(2), Duration.ofSeconds(1));

    @TempDir
    private Path directory;

    private GuestHub hub;
    private GuestEndpoint endpoint;
    private final List<SocketChannel> dialled = new ArrayList<>();

    @BeforeEach
    void open() {
        hub = new GuestHub(SHORT);
        endpoint = hub.open(directory.resolve("s"));
    }

    @AfterEach
    void close() throws IOException {
        for (SocketChannel channel : dialled) {
            channel.close();
        }
        hub.close();
    }

    private SocketChannel dial() throws IOException {
        SocketChannel channel = SocketChannel.open(UnixDomainSocketAddress.of(directory.resolve("s/e")));
        dialled.add(channel);
        return channel;
    }

    private static byte[] frame(int kind, byte[] payload) {
        byte[] frame = new byte[Frame.HEADER + payload.length];
        Frame.putHeader(frame, 0, kind, payload.length);
        System.arraycopy(payload, 0, frame, Frame.HEADER, payload.length);
        return frame;
    }

    private static byte[] message(MessageLite message) {
        return frame(Frame.MSG, message.toByteArray());
    }

    private static Hello hello() {
        return Hello.newBuilder().setProtocol(1).build();
    }

    /** A guest that says hello and has its answers, right or wrong, ready before any question. */
    private SocketChannel dialWith(byte[]... frames) throws IOException {
        SocketChannel channel = dial();
        channel.write(ByteBuffer.wrap(message(hello())));
        for (byte[] frame : frames) {
            channel.write(ByteBuffer.wrap(frame));
        }
        return channel;
    }

    private void pingIsUnavailable() {
        assertThatExceptionOfType(UnavailableException.class).isThrownBy(() -> endpoint.ping());
    }

    private static void isClosedByTheEngine(SocketChannel channel) {
        ByteBuffer buffer = ByteBuffer.allocate(64 << 10);
        try {
            while (channel.read(buffer.clear()) >= 0) {
                assertThat(channel.isOpen()).isTrue();
            }
        } catch (IOException e) {
            // A reset is a close, too: what was sent was not read.
        }
    }

    @Test
    void garbage_instead_of_a_hello_is_closed() throws IOException {
        SocketChannel channel = dial();
        channel.write(ByteBuffer.wrap("GET / HTTP/1.1\r\n\r\n".getBytes(java.nio.charset.StandardCharsets.US_ASCII)));

        pingIsUnavailable();
        isClosedByTheEngine(channel);
    }

    @Test
    void another_protocol_is_named_in_the_error() throws IOException {
        dial().write(ByteBuffer.wrap(message(Hello.newBuilder().setProtocol(9).build())));

        assertThatExceptionOfType(UnavailableException.class)
                .isThrownBy(() -> endpoint.awaitConnected(Duration.ofMillis(500)))
                .withMessageContaining("protocol 9");
    }

    @Test
    void a_guest_that_says_nothing_is_given_up() throws IOException {
        SocketChannel channel = dial();

        pingIsUnavailable();
        isClosedByTheEngine(channel);
    }

    @Test
    void a_length_over_the_bound_is_refused_before_allocation() throws IOException {
        SocketChannel channel = dialWith(new byte[] {0x7f, -1, -1, -1, Frame.MSG});

        pingIsUnavailable();
        isClosedByTheEngine(channel);
    }

    @Test
    void a_kind_that_does_not_exist_is_refused() throws IOException {
        SocketChannel channel = dialWith(frame(9, new byte[0]));

        pingIsUnavailable();
        isClosedByTheEngine(channel);
    }

    @Test
    void a_message_that_never_ends_is_given_up() throws IOException {
        byte[] header = new byte[Frame.HEADER];
        Frame.putHeader(header, 0, Frame.MSG, Frame.MAX_MSG_FROM_GUEST);
        SocketChannel channel = dialWith(header, new byte[1000]);

        pingIsUnavailable();
        isClosedByTheEngine(channel);
    }

    @Test
    void a_reply_to_another_question_is_refused() throws IOException {
        SocketChannel channel = dialWith(message(Reply.newBuilder()
                .setExited(ProcessExited.getDefaultInstance())
                .build()));

        pingIsUnavailable();
        isClosedByTheEngine(channel);
    }

    @Test
    void data_where_a_reply_belongs_is_refused() throws IOException {
        SocketChannel channel = dialWith(frame(Frame.DATA, new byte[10]));

        pingIsUnavailable();
        isClosedByTheEngine(channel);
    }

    @Test
    void a_connection_with_more_than_the_reply_is_not_used_again() throws IOException {
        byte[] ok = message(Reply.newBuilder().setOk(Ok.getDefaultInstance()).build());
        SocketChannel channel = dialWith(ok, ok);

        endpoint.ping();
        isClosedByTheEngine(channel);
    }

    @Test
    void an_exit_code_out_of_range_is_refused() throws IOException {
        dialWith(
                message(Reply.newBuilder()
                        .setStarted(ProcessStarted.newBuilder().setPid(1))
                        .build()),
                message(Reply.newBuilder()
                        .setExited(ProcessExited.newBuilder().setCode(4711))
                        .build()));

        assertThatExceptionOfType(UnavailableException.class)
                .isThrownBy(() -> endpoint.processes()
                        .run(new ProcessId("a"), ProcessSpec.of(List.of("true")), 10))
                .withMessageContaining("4711");
    }

    @Test
    void more_entries_than_were_asked_for_are_refused() throws IOException {
        dialWith(message(Reply.newBuilder()
                .setFiles(FileBatch.newBuilder()
                        .addFiles(FileInfo.getDefaultInstance())
                        .addFiles(FileInfo.getDefaultInstance()))
                .build()));

        assertThatExceptionOfType(UnavailableException.class)
                .isThrownBy(() -> endpoint.files().list(FileContext.DEFAULT, "/", 1, 1))
                .withMessageContaining("more than the 1");
    }

    @Test
    void a_name_that_is_no_utf8_is_shown_with_replacements() throws IOException {
        dialWith(message(Reply.newBuilder()
                .setInfo(FileInfo.newBuilder()
                        .setName(ByteString.copyFrom(new byte[] {'a', (byte) 0xff, 'b'}))
                        .setUid(-1))
                .build()));

        dev.atoll.domain.FileInfo info = endpoint.files().stat(FileContext.DEFAULT, "/x", false);

        assertThat(info.name()).isEqualTo("a\uFFFDb");
        assertThat(info.uid()).isEqualTo(65534);
    }

    @Test
    void connections_beyond_the_cap_are_closed() throws IOException {
        for (int i = 0; i < SocketEndpoint.MAX_CONNECTIONS; i++) {
            dial();
        }
        isClosedByTheEngine(dial());
    }
}
