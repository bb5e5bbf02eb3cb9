package dev.atoll.tests.egress;

import static dev.atoll.tests.AtollNode.CALLER;
import static dev.atoll.tests.egress.OutsideWorld.ONE;
import static dev.atoll.tests.egress.OutsideWorld.OTHER;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.atoll.domain.Cidr;
import dev.atoll.domain.DomainPattern;
import dev.atoll.domain.Egress;
import dev.atoll.domain.Isolation;
import dev.atoll.domain.NetworkPolicy;
import dev.atoll.domain.SandboxChange;
import dev.atoll.domain.SandboxId;
import dev.atoll.tests.AtollNode;
import dev.atoll.tests.EachIsolation;
import dev.atoll.tests.Inside;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.Parameter;

/** What a sandbox's own policy lets through, tried from inside. */
@EachIsolation
class EgressTest {
    private static final Duration PATIENCE = Duration.ofSeconds(20);

    @Parameter
    Isolation isolation = Isolation.CONTAINER;

    @SuppressWarnings("NullAway.Init") // before the first test
    private static OutsideWorld outside;

    @SuppressWarnings("NullAway.Init") // before the first test
    private static AtollNode node;

    @BeforeAll
    static void start() {
        outside = OutsideWorld.start(Map.of(
                "a.test", ONE, "b.test", ONE, "sub.wild.test", ONE, "other.test", OTHER, "private.test", "10.0.0.1"));
        node = AtollNode.startWithResolver(OutsideWorld.RESOLVER);
    }

    @AfterAll
    static void end() {
        // Also after a start that failed half-way.
        try (OutsideWorld ending = outside) {
            if (ending != null && node != null) {
                node.close();
            }
        }
    }

    private Inside with(NetworkPolicy policy) {
        Inside box = node.inside(AtollNode.base(isolation).network(policy));
        box.python("open('/tmp/ca.pem', 'w').write('''%s''')".formatted(outside.certificate()));
        return box;
    }

    private static NetworkPolicy.Only names(String... names) {
        return new NetworkPolicy.Only(
                List.of(),
                List.of(),
                Optional.of(List.of(names).stream()
                        .map(name -> DomainPattern.parse("domains", name))
                        .toList()));
    }

    private static NetworkPolicy.Only ranges(String... ranges) {
        return new NetworkPolicy.Only(cidrs(ranges), List.of(), Optional.empty());
    }

    private static List<Cidr> cidrs(String... ranges) {
        return List.of(ranges).stream().map(range -> Cidr.parse("allow", range)).toList();
    }

    private static void change(Inside box, NetworkPolicy policy) {
        var unused = node.engine().sandboxes().update(CALLER, box.id(), SandboxChange.NOTHING.withNetwork(policy));
    }

    /** The first line of a response to a request with these headers, or what went wrong. */
    private static String http(Inside box, String address, String host) {
        return box.python("""
                import http.client
                try:
                    c = http.client.HTTPConnection('%s', 80, timeout=10)
                    c.request('GET', '/', headers={'Host': '%s'})
                    r = c.getresponse()
                    print(r.status, r.read().decode())
                except OSError as e:
                    print(type(e).__name__, e.errno)
                """.formatted(address, host)).strip();
    }

    /** A handshake with this name at that address, and what is answered to a request. */
    private static String https(Inside box, String address, String name) {
        return box.python("""
                import socket, ssl
                context = ssl.create_default_context(cafile='/tmp/ca.pem')
                name = '%s' or None
                if name is None:
                    context.check_hostname = False
                try:
                    with context.wrap_socket(socket.create_connection(('%s', 443), 10), server_hostname=name) as s:
                        s.sendall(b'GET / HTTP/1.1\\r\\nHost: inner\\r\\nConnection: close\\r\\n\\r\\n')
                        print(s.makefile().read().splitlines()[-1])
                except OSError as e:
                    print(type(e).__name__)
                """.formatted(name, address)).strip();
    }

    private static String connect(Inside box, String address, int port) {
        return box.python("""
                import socket
                try:
                    socket.create_connection(('%s', %d), 3)
                    print('connected')
                except OSError as e:
                    print(type(e).__name__)
                """.formatted(address, port)).strip();
    }

    private static String resolve(Inside box, String name) {
        return box.python("""
                import socket
                try:
                    print(socket.gethostbyname('%s'))
                except OSError as e:
                    print(type(e).__name__)
                """.formatted(name)).strip();
    }

    private static Egress.Denial denial(SandboxId sandbox, Predicate<Egress.Denial> fits) {
        return await("a denial")
                .atMost(PATIENCE)
                .until(
                        () -> node.engine().sandboxes().egress(CALLER, sandbox).denials().stream()
                                .filter(fits)
                                .findFirst(),
                        Optional::isPresent)
                .orElseThrow();
    }

    @Test
    void rangesDecideFromTheCreateOnAndWhileItRuns() {
        try (Inside box = with(ranges(ONE))) {
            assertThat(http(box, ONE, "any")).isEqualTo("200 host any");
            assertThat(connect(box, OTHER, 80)).isNotEqualTo("connected");
            var denied = denial(box.id(), d -> d.port() == 80);
            assertThat(denied.address()).contains(OTHER);
            assertThat(denied.reason()).isEqualTo(Egress.Reason.POLICY);
            assertThat(denied.protocol()).isEqualTo("tcp");
            change(box, new NetworkPolicy.Except(cidrs(ONE)));
            assertThat(connect(box, ONE, 80)).isNotEqualTo("connected");
            assertThat(http(box, OTHER, "any")).isEqualTo("200 host any");
            change(box, NetworkPolicy.NONE);
            assertThat(connect(box, OTHER, 80)).isNotEqualTo("connected");
            assertThat(resolve(box, "a.test")).isNotEqualTo(ONE);
            change(box, NetworkPolicy.OPEN);
            assertThat(http(box, ONE, "any")).isEqualTo("200 host any");
            assertThat(resolve(box, "a.test")).isEqualTo(ONE);
        }
    }

    @Test
    void aSandboxMadeWithoutNetworkGetsOne() {
        try (Inside box = with(NetworkPolicy.NONE)) {
            assertThat(connect(box, ONE, 80)).isNotEqualTo("connected");
            change(box, names("a.test"));
            assertThat(http(box, "a.test", "a.test")).isEqualTo("200 host a.test");
            assertThat(resolve(box, "other.test")).isNotEqualTo(OTHER);
        }
    }

    @Test
    void aChangeCutsWhatItForbidsAndNothingElse() {
        try (Inside box = with(NetworkPolicy.OPEN)) {
            box.python("""
                    import os, socket, threading
                    def hold(address, name):
                        s = socket.create_connection((address, 7000))
                        def run():
                            n = 0
                            try:
                                while True:
                                    s.sendall(b'x')
                                    if not s.recv(1):
                                        break
                                    n += 1
                                    open('/tmp/' + name, 'w').write(str(n))
                            except OSError:
                                pass
                            open('/tmp/' + name + '.cut', 'w').close()
                        return run
                    runs = [hold('%s', 'kept'), hold('%s', 'cut')]
                    if os.fork() == 0:
                        os.setsid()
                        for fd in range(3):
                            os.close(fd)
                        for run in runs:
                            threading.Thread(target=run).start()
                        threading.Event().wait()
                    """.formatted(ONE, OTHER));
            await().atMost(PATIENCE).until(() -> counted(box, "kept") > 0 && counted(box, "cut") > 0);
            change(box, ranges(ONE));
            await("the cut").atMost(PATIENCE).until(() -> box.exitCode("test -e /tmp/cut.cut") == 0);
            int before = counted(box, "kept");
            await("the other one").atMost(PATIENCE).until(() -> counted(box, "kept") > before);
            assertThat(box.exitCode("test -e /tmp/kept.cut")).isNotZero();
        }
    }

    private static int counted(Inside box, String name) {
        String text = box.shAllowFailure("cat /tmp/" + name).strip();
        return text.matches("[0-9]+") ? Integer.parseInt(text) : 0;
    }

    @Test
    void namesOpenWhatTheyResolveToAndRequestsMustNameThem() {
        try (Inside box = with(names("a.test", "b.test", "*.wild.test", "private.test"))) {
            assertThat(connect(box, ONE, 7000)).as("before it is resolved").isNotEqualTo("connected");
            assertThat(resolve(box, "a.test")).isEqualTo(ONE);
            assertThat(resolve(box, "sub.wild.test")).isEqualTo(ONE);
            assertThat(resolve(box, "other.test")).isNotEqualTo(OTHER);
            assertThat(resolve(box, "private.test")).isNotEqualTo("10.0.0.1");
            assertThat(connect(box, ONE, 7000)).isEqualTo("connected");
            assertThat(connect(box, OTHER, 7000)).isNotEqualTo("connected");
            assertThat(http(box, ONE, "a.test")).isEqualTo("200 host a.test");
            assertThat(http(box, ONE, "evil.test")).startsWith("403 ");
            assertThat(http(box, ONE, ONE)).startsWith("403 ");
            assertThat(https(box, ONE, "b.test")).isEqualTo("host inner");
            assertThat(https(box, ONE, "evil.test")).isEqualTo("SSLError");
            assertThat(https(box, ONE, "")).isEqualTo("SSLError");
            SandboxId id = box.id();
            assertThat(denial(id, d -> d.protocol().equals("dns") && d.name().equals("other.test")).reason())
                    .isEqualTo(Egress.Reason.NAME);
            assertThat(denial(id, d -> d.name().equals("private.test")).reason()).isEqualTo(Egress.Reason.REBINDING);
            assertThat(denial(id, d -> d.protocol().equals("http")).address()).contains(ONE);
            assertThat(denial(id, d -> d.protocol().equals("tls") && d.name().equals("evil.test")).reason())
                    .isEqualTo(Egress.Reason.NAME);
            assertThat(denial(id, d -> d.reason() == Egress.Reason.NO_NAME && d.protocol().equals("tls")).port())
                    .isEqualTo(443);
        }
    }

    @Test
    void everyRequestOfAConnectionIsChecked() {
        try (Inside box = with(names("a.test"))) {
            assertThat(box.python("""
                    import http.client
                    c = http.client.HTTPConnection('a.test', 80, timeout=10)
                    for host in ('a.test', 'a.test', 'evil.test'):
                        c.putrequest('GET', '/', skip_host=True)
                        c.putheader('Host', host)
                        c.endheaders()
                        r = c.getresponse()
                        r.read()
                        print(r.status)
                    """).split("\n")).containsExactly("200", "200", "403");
        }
    }

    @Test
    void namesAreAskedForOverTcpToo() {
        try (Inside box = with(names("a.test"))) {
            assertThat(box.python("""
                    import socket, struct
                    gateway = [l.split()[1] for l in open('/etc/resolv.conf') if l.startswith('nameserver')][0]
                    s = socket.create_connection((gateway, 53), 10)
                    f = s.makefile('rb')
                    for name in (b'a.test', b'other.test'):
                        q = b'\\0\\7\\1\\0\\0\\1' + bytes(6) + b''.join(bytes([len(l)]) + l for l in name.split(b'.')) + b'\\0\\0\\1\\0\\1'
                        s.sendall(struct.pack('>H', len(q)) + q)
                        r = f.read(struct.unpack('>H', f.read(2))[0])
                        print(r[3] & 15, r[7])
                    """).split("\n")).containsExactly("0 1", "5 0");
        }
    }

    @Test
    void ipv6IsAcceptedInListsAndLeadsNowhere() {
        try (Inside box = with(ranges(ONE, "2001:db8::/32", "::/0"))) {
            assertThat(connect(box, "2001:db8::1", 80)).isNotEqualTo("connected");
            assertThat(http(box, ONE, "any")).isEqualTo("200 host any");
        }
    }

    @Test
    void noPolicyOpensWhatTheNodeDenies() {
        try (Inside box = with(ranges("0.0.0.0/0"))) {
            for (String address : List.of("10.0.0.1", "169.254.169.254", "192.168.1.1")) {
                assertThat(connect(box, address, 80)).as(address).isNotEqualTo("connected");
            }
            assertThat(denial(box.id(), d -> d.address().equals(Optional.of("169.254.169.254"))).reason())
                    .isEqualTo(Egress.Reason.NODE);
            assertThat(http(box, ONE, "any")).isEqualTo("200 host any");
        }
    }

    @Test
    void aPolicyOutlivesStopsAndForks() {
        try (Inside box = with(names("a.test"))) {
            var unused = node.engine().sandboxes().stop(CALLER, box.id(), Duration.ZERO);
            unused = node.engine().sandboxes().update(
                    CALLER, box.id(), SandboxChange.NOTHING.withNetwork(names("b.test")));
            unused = node.engine().sandboxes().start(CALLER, box.id());
            assertOnlyB(box.id());
            SandboxId fork = node.engine()
                    .sandboxes()
                    .fork(CALLER, box.id(), List.of(Optional.empty()))
                    .getFirst()
                    .id();
            assertOnlyB(fork);
            node.engine().sandboxes().delete(CALLER, fork);
        }
    }

    @Test
    void aPolicyOutlivesTheEngineAndTheWarden() {
        SandboxId id = with(names("b.test")).id();
        node.killWarden();
        node.startWarden();
        assertOnlyB(id);
        node.restartEngine();
        assertOnlyB(id);
        assertThat(node.engine().node().audit(false)).isEmpty();
        node.engine().sandboxes().delete(CALLER, id);
    }

    @Test
    void aPolicyOutlivesPauseAndHibernation() {
        try (Inside box = with(names("b.test"))) {
            var unused = node.engine().sandboxes().pause(CALLER, box.id());
            unused = node.engine().sandboxes().resume(CALLER, box.id());
            assertOnlyB(box.id());
            if (isolation == Isolation.GVISOR) {
                unused = node.engine().sandboxes().hibernate(CALLER, box.id(), false);
                unused = node.engine().sandboxes().resume(CALLER, box.id());
                assertOnlyB(box.id());
            }
        }
    }

    private static void assertOnlyB(SandboxId id) {
        assertThat(node.sh(id, "curl -s -o /dev/null -w '%{http_code}' http://b.test/")).isEqualTo("200");
        assertThat(node.run(id, "curl -s http://a.test/").exit().code()).isEqualTo(6);
        assertThat(node.sh(id, "curl -s -o /dev/null -w '%{http_code}' -H 'Host: a.test' http://b.test/"))
                .isEqualTo("403");
    }
}
