package dev.atoll.warden;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.atoll.domain.CapacityException;
import dev.atoll.domain.LayerId;
import dev.atoll.domain.NetworkPolicy;
import dev.atoll.domain.SandboxId;
import dev.atoll.domain.UnavailableException;
import dev.atoll.warden.proto.Done;
import dev.atoll.warden.proto.Everything;
import dev.atoll.warden.proto.Failure;
import dev.atoll.warden.proto.Request;
import dev.atoll.warden.proto.Request.OpCase;
import dev.atoll.warden.proto.Response;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.Channels;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Function;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * The peer of the protocol breaks connections and answers at chosen points, which a real warden does
 * only when it is killed at just that instant. An empty answer ends the connection.
 */
@Timeout(30)
final class RestartTest {
    private static final SandboxId SANDBOX = new SandboxId("0123456789abcdef0123456789abcdef");
    private static final SlotId SLOT = new SlotId("fedcba9876543210fedcba9876543210");
    private static final Claim CLAIM = new Claim(
            SLOT,
            SANDBOX,
            List.of(new LayerId("00000000000000000000000000000001")),
            new DiskSource.Fresh(1 << 30),
            Limits.DEFAULT,
            "box",
            NetworkPolicy.OPEN,
            Profile.STANDARD,
            List.of());
    private static final Response BREAK = Response.getDefaultInstance();

    @TempDir
    private Path directory;

    private final List<OpCase> asked = new CopyOnWriteArrayList<>();
    private ServerSocketChannel server;
    private Warden warden;
    private volatile Function<Request, Response> answers = request -> BREAK;

    @BeforeEach
    void open() throws IOException {
        Path socket = directory.resolve("warden.sock");
        server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        server.bind(UnixDomainSocketAddress.of(socket));
        Thread.ofVirtual().start(this::accept);
        Timing timing = new Timing(
                Duration.ofMillis(500), Duration.ofSeconds(1), Duration.ofMillis(500), Duration.ofMillis(300));
        warden = new SocketWarden(new Connections(socket, timing.connect()), timing);
    }

    @AfterEach
    void close() throws IOException {
        warden.close();
        server.close();
    }

    private void accept() {
        try {
            while (true) {
                SocketChannel channel = server.accept();
                Thread.ofVirtual().start(() -> serve(channel));
            }
        } catch (IOException e) {
            // The end of the test.
        }
    }

    private void serve(SocketChannel channel) {
        try (channel;
                DataInputStream in = new DataInputStream(Channels.newInputStream(channel));
                DataOutputStream out = new DataOutputStream(Channels.newOutputStream(channel))) {
            while (true) {
                byte[] payload = new byte[in.readInt()];
                assertThat(in.readByte()).isZero();
                in.readFully(payload);
                Request request = Request.parseFrom(payload);
                asked.add(request.getOpCase());
                Response response = answers.apply(request);
                if (response == BREAK) {
                    return;
                }
                out.writeInt(response.getSerializedSize());
                out.writeByte(0);
                response.writeTo(out);
                out.flush();
            }
        } catch (IOException e) {
            // The client went away.
        }
    }

    private static Response everything(boolean live) {
        Everything.Builder all = Everything.newBuilder();
        if (live) {
            all.addLive(dev.atoll.warden.proto.LiveSandbox.newBuilder()
                    .setId(SANDBOX.value())
                    .setSlot(SLOT.value())
                    .setPid(42));
        }
        return Response.newBuilder().setEverything(all).build();
    }

    private static Response failure(Failure.Code code) {
        return Response.newBuilder()
                .setFailure(Failure.newBuilder().setCode(code).setMessage("said so"))
                .build();
    }

    @Test
    void a_claim_that_was_done_before_the_connection_broke_is_not_repeated() {
        answers = request -> request.hasList() ? everything(true) : BREAK;

        assertThat(warden.claim(CLAIM).pid()).isEqualTo(42);
        assertThat(asked).containsExactly(OpCase.CLAIM, OpCase.LIST);
    }

    @Test
    void a_claim_that_was_not_done_is_repeated_once() {
        answers = request -> request.hasList() ? everything(false) : BREAK;

        assertThatExceptionOfType(UnavailableException.class).isThrownBy(() -> warden.claim(CLAIM));
        assertThat(asked).containsExactly(OpCase.CLAIM, OpCase.LIST, OpCase.CLAIM);
    }

    @Test
    void busy_is_asked_again_until_it_is_not() {
        answers = request -> asked.size() < 4
                ? failure(Failure.Code.BUSY)
                : Response.newBuilder().setDone(Done.getDefaultInstance()).build();

        warden.deleteDisk(SANDBOX);
        assertThat(asked).hasSize(4);
    }

    @Test
    void busy_for_too_long_is_unavailable() {
        answers = request -> failure(Failure.Code.BUSY);

        assertThatExceptionOfType(UnavailableException.class).isThrownBy(() -> warden.freeze(SANDBOX));
    }

    @Test
    void a_full_pool_is_a_lack_of_capacity() {
        answers = request -> failure(Failure.Code.POOL_FULL);

        assertThatExceptionOfType(CapacityException.class)
                .isThrownBy(() -> warden.claim(CLAIM))
                .satisfies(e -> assertThat(e.what()).isEqualTo(CapacityException.What.POOL));
    }

    @Test
    void no_warden_is_unavailable() throws IOException {
        server.close();

        assertThatExceptionOfType(UnavailableException.class).isThrownBy(() -> warden.info());
    }
}
