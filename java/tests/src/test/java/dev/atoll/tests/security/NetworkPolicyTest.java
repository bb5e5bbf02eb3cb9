package dev.atoll.tests.security;

import static org.assertj.core.api.Assertions.assertThat;

import dev.atoll.domain.Isolation;
import dev.atoll.domain.NetworkPolicy;
import dev.atoll.tests.AtollNode;
import dev.atoll.tests.EachIsolation;
import dev.atoll.tests.Inside;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.NetworkInterface;
import java.net.ServerSocket;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.AfterParameterizedClassInvocation;
import org.junit.jupiter.params.BeforeParameterizedClassInvocation;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a sandbox reaches by default, tried from inside. */
@EachIsolation
class NetworkPolicyTest {
    @Parameter
    Isolation isolation = Isolation.CONTAINER;

    @SuppressWarnings("NullAway.Init") // before the first test of each class
    private static Inside box;

    @BeforeParameterizedClassInvocation
    static void create(Isolation isolation) {
        box = AtollNode.shared().inside(AtollNode.base(isolation));
    }

    @AfterParameterizedClassInvocation
    static void delete() {
        box.close();
    }

    private static String connect(Inside from, String host, int port) {
        return from.python("""
                import socket
                try:
                    s = socket.create_connection((%s, %d), timeout=3)
                    print('connected')
                except OSError as e:
                    print('refused', type(e).__name__)
                """.formatted("'" + host + "'", port)).strip();
    }

    @ParameterizedTest
    @ValueSource(strings = {
        "10.0.0.1", "172.16.0.1", "192.168.1.1", "100.64.0.1", "169.254.169.254", "169.254.1.1", "100.100.100.200",
        "168.63.129.16", "224.0.0.1", "240.0.0.1", "0.0.0.0", "2852039166", "0xa9fea9fe", "::ffff:169.254.169.254",
        "fd00:ec2::254", "fe80::1", "ff02::1", "2001:db8::1",
    })
    void aDeniedAddressIsUnreachable(String address) {
        assertThat(connect(box, address, 80)).startsWith("refused");
    }

    @Test
    void noPortOfTheHostIsReachableOnAnyOfItsAddresses() throws IOException {
        try (ServerSocket server = new ServerSocket()) {
            server.bind(new InetSocketAddress("0.0.0.0", 0));
            List<String> addresses = NetworkInterface.networkInterfaces()
                    .flatMap(NetworkInterface::inetAddresses)
                    .filter(a -> a.getAddress().length == 4)
                    .map(InetAddress::getHostAddress)
                    .toList();
            assertThat(addresses).isNotEmpty();
            for (String address : addresses) {
                assertThat(connect(box, address, server.getLocalPort())).as(address).startsWith("refused");
            }
        }
    }

    @Test
    void theGatewayAnswersNamesAndNothingElse() {
        String gateway = box.sh("ip route show default | awk '{print $3}'").strip();
        assertThat(connect(box, gateway, 22)).startsWith("refused");
        assertThat(connect(box, gateway, 80)).startsWith("refused");
        assertThat(connect(box, gateway, 53)).isEqualTo("connected");
    }

    @Test
    void sandboxesDoNotReachEachOther() {
        try (Inside other = AtollNode.shared().inside(AtollNode.base(isolation))) {
            other.sh("cd /tmp && (python3 -m http.server 8099 >/dev/null 2>&1 &) ; for i in $(seq 100); do ss -ltn | grep -q 8099 && break; sleep 0.05; done");
            String address = other.sh("ip -4 -o addr show eth0 | awk '{print $4}' | cut -d/ -f1").strip();
            assertThat(connect(box, address, 8099)).startsWith("refused");
            assertThat(connect(other, "127.0.0.1", 8099)).isEqualTo("connected");
        }
    }

    @Test
    void addressesAndRoutesBelongToTheHost() {
        assertThat(box.exitCode("ip addr add 10.9.9.9/32 dev eth0")).isNotZero();
        assertThat(box.exitCode("ip route replace default dev lo")).isNotZero();
        assertThat(box.exitCode("ip link set eth0 address 02:00:00:00:00:99")).isNotZero();
    }

    @Test
    void aSandboxWithoutNetworkResolvesAndReachesNothing() {
        try (Inside closed = AtollNode.shared().inside(AtollNode.base(isolation)
                .network(NetworkPolicy.NONE))) {
            String gateway = closed.shAllowFailure("awk '/nameserver/{print $2; exit}' /etc/resolv.conf").strip();
            assertThat(connect(closed, gateway.isEmpty() ? "1.1.1.1" : gateway, 53)).startsWith("refused");
            assertThat(connect(closed, "203.0.113.80", 80)).startsWith("refused");
        }
    }
}
