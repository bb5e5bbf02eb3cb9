package dev.atoll.tests.security;

import static org.assertj.core.api.Assertions.assertThat;

import dev.atoll.http.HttpException;
import dev.atoll.http.HttpListener;
import dev.atoll.http.ListenerConfig;
import dev.atoll.http.Response;
import dev.atoll.http.Tls;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A listener with a certificate, asked without TLS by its own machine and by another, which a network namespace is. */
class PlainHttpTest {
    private static final String SERVER = "198.18.225.1";
    private static final String CLIENT = "198.18.225.2";
    private static final String ASK = "exec 3<>/dev/tcp/%s/%d && printf 'GET / HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\n\\r\\n' >&3 && head -c 400 <&3";

    private final String name = "atp" + Long.toHexString(ProcessHandle.current().pid() & 0xffffff);

    @BeforeEach
    void connect() throws Exception {
        run("ip", "netns", "add", name);
        run("ip", "link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", name);
        run("ip", "addr", "add", SERVER + "/30", "dev", name);
        run("ip", "link", "set", name, "up");
        inNamespace("ip", "addr", "add", CLIENT + "/30", "dev", "eth0");
        inNamespace("ip", "link", "set", "eth0", "up");
    }

    @AfterEach
    void disconnect() throws Exception {
        run("ip", "netns", "del", name);
    }

    private String inNamespace(String... command) throws Exception {
        var whole = new ArrayList<>(List.of("ip", "netns", "exec", name));
        whole.addAll(List.of(command));
        return run(whole.toArray(String[]::new));
    }

    private static String run(String... command) throws Exception {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        if (process.waitFor() != 0) {
            throw new IOException(String.join(" ", command) + ": " + said);
        }
        return said;
    }

    private static HttpListener listener(Tls.Plain plain) {
        var tls = new Tls(() -> {
            throw new AssertionError("nobody speaks TLS here");
        }, Tls.Version.TLS_1_3, plain);
        return HttpListener.start(
                ListenerConfig.on("0.0.0.0", 0).withTls(tls), request -> Response.text("let in"),
                (_, e) -> Response.text(e.toString()).withStatus(e instanceof HttpException h ? h.status() : 500),
                new SecureRandom());
    }

    @Test
    void aKeyDoesNotCrossANetworkInClear() throws Exception {
        try (var listener = listener(Tls.Plain.THIS_MACHINE)) {
            String refused = inNamespace("bash", "-c", ASK.formatted(SERVER, listener.port()));
            assertThat(refused).startsWith("HTTP/1.1 403").contains("use https").doesNotContain("let in");
            assertThat(run("bash", "-c", ASK.formatted("127.0.0.1", listener.port()))).startsWith("HTTP/1.1 200");
            assertThat(run("bash", "-c", ASK.formatted(SERVER, listener.port()))).startsWith("HTTP/1.1 200").contains("let in");
        }
    }

    @Test
    void whoeverConfiguresItLetsOthersIn() throws Exception {
        try (var listener = listener(Tls.Plain.EVERYONE)) {
            assertThat(inNamespace("bash", "-c", ASK.formatted(SERVER, listener.port()))).contains("let in");
        }
    }
}
