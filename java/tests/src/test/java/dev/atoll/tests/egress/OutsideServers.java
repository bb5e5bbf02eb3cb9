package dev.atoll.tests.egress;

import com.sun.net.httpserver.HttpServer;
import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsServer;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Executors;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;

/**
 * The program that plays the internet, in a network namespace of its own: HTTP on 80 and HTTPS on 443,
 * which answer with the host they were asked for, an echo on 7000, and a resolver. Prints a line when all
 * serve, and ends with its standard input.
 *
 * <p>Arguments: the key store, its password, the resolver's address, then {@code name=address} each.
 */
final class OutsideServers {
    static final int ECHO_PORT = 7000;
    private static final int HEADER = 12;
    private static final int A = 1;

    private final Map<String, byte[]> names = new HashMap<>();

    private OutsideServers() {}

    public static void main(String[] args) throws Exception {
        var servers = new OutsideServers();
        for (String name : Arrays.asList(args).subList(3, args.length)) {
            String[] pair = name.split("=");
            servers.names.put(pair[0], InetAddress.ofLiteral(pair[1]).getAddress());
        }
        servers.web(HttpServer.create(new InetSocketAddress(80), 0));
        HttpsServer secure = HttpsServer.create(new InetSocketAddress(443), 0);
        secure.setHttpsConfigurator(new HttpsConfigurator(context(Path.of(args[0]), args[1].toCharArray())));
        servers.web(secure);
        servers.start(new ServerSocket(ECHO_PORT), OutsideServers::echo);
        servers.start(new ServerSocket(53), servers::resolve);
        // Else answers would come from another address of the interface.
        var datagrams = new DatagramSocket(new InetSocketAddress(InetAddress.ofLiteral(args[2]), 53));
        Thread.ofPlatform().daemon().start(() -> servers.resolve(datagrams));
        System.out.println("serving");
        while (System.in.read() >= 0) {
            // Until whoever started it has ended.
        }
    }

    private static SSLContext context(Path store, char[] password) throws Exception {
        KeyStore keys = KeyStore.getInstance("PKCS12");
        try (InputStream in = Files.newInputStream(store)) {
            keys.load(in, password);
        }
        var managers = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        managers.init(keys, password);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(managers.getKeyManagers(), null, null);
        return context;
    }

    private void web(HttpServer server) {
        server.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
        server.createContext("/", exchange -> {
            byte[] body = ("host " + exchange.getRequestHeaders().getFirst("Host")).getBytes(StandardCharsets.UTF_8);
            exchange.sendResponseHeaders(200, body.length);
            exchange.getResponseBody().write(body);
            exchange.close();
        });
        server.start();
    }

    private interface Service {
        void serve(Socket client) throws IOException;
    }

    private void start(ServerSocket listener, Service service) {
        Thread.ofPlatform().daemon().start(() -> {
            while (true) {
                try {
                    Socket client = listener.accept();
                    Thread.ofVirtual().start(() -> {
                        try (client) {
                            service.serve(client);
                        } catch (IOException e) {
                            // The client's matter.
                        }
                    });
                } catch (IOException e) {
                    return;
                }
            }
        });
    }

    private static void echo(Socket client) throws IOException {
        client.getInputStream().transferTo(client.getOutputStream());
    }

    private void resolve(Socket client) throws IOException {
        var in = new DataInputStream(client.getInputStream());
        var out = new DataOutputStream(client.getOutputStream());
        byte[] query = new byte[in.readUnsignedShort()];
        in.readFully(query);
        byte[] answer = answer(query);
        out.writeShort(answer.length);
        out.write(answer);
    }

    private void resolve(DatagramSocket socket) {
        byte[] buffer = new byte[4096];
        while (true) {
            try {
                var packet = new DatagramPacket(buffer, buffer.length);
                socket.receive(packet);
                byte[] answer = answer(Arrays.copyOf(buffer, packet.getLength()));
                socket.send(new DatagramPacket(answer, answer.length, packet.getSocketAddress()));
            } catch (IOException e) {
                return;
            }
        }
    }

    /** An address for a name that is known; nothing but that for others and other types. */
    private byte[] answer(byte[] query) {
        var name = new StringBuilder();
        int at = HEADER;
        while (query[at] != 0) {
            name.append(name.isEmpty() ? "" : ".").append(new String(query, at + 1, query[at], StandardCharsets.US_ASCII));
            at += 1 + query[at];
        }
        int end = at + 5;
        boolean asksForA = ByteBuffer.wrap(query).getShort(at + 1) == A;
        byte[] address = names.get(name.toString().toLowerCase(Locale.ROOT));
        ByteBuffer answer = ByteBuffer.allocate(end + 16);
        answer.put(query, 0, end);
        answer.put(2, (byte) 0x81).put(3, (byte) (address == null ? 0x83 : 0x80)).putShort(10, (short) 0);
        if (asksForA && address != null) {
            answer.putShort(6, (short) 1);
            answer.putShort((short) (0xc000 | HEADER)).putShort((short) A).putShort((short) 1).putInt(30);
            answer.putShort((short) address.length).put(address);
        }
        return Arrays.copyOf(answer.array(), answer.position());
    }
}
