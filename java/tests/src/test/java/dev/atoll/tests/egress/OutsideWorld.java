package dev.atoll.tests.egress;

import dev.atoll.tests.ChildJvm;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;

/**
 * An internet of the test's own: a network namespace behind a link of the host, with public addresses
 * that nobody has (RFC 5737) and {@link OutsideServers} in it.
 */
final class OutsideWorld implements AutoCloseable {
    /** Two JVMs of one machine take different parts of 198.51.100.0/24. */
    private static final int FIRST = (int) (ProcessHandle.current().pid() % 16) * 16;

    private static final String PASSWORD = "outside";

    /** Where servers are that serve any name. */
    static final String ONE = address(2);

    static final String OTHER = address(3);
    static final String RESOLVER = address(4);
    private static final String HOST = address(1);

    private final String namespace = "outside" + ProcessHandle.current().pid();
    private final Path directory;
    private final Process servers;

    private OutsideWorld(Path directory, Process servers) {
        this.directory = directory;
        this.servers = servers;
    }

    private static String address(int host) {
        return "198.51.100." + (FIRST + host);
    }

    /** @param names what the resolver knows: addresses by name, which the certificate covers, too */
    static OutsideWorld start(Map<String, String> names) {
        try {
            Path directory = Files.createTempDirectory("outside");
            String namespace = "outside" + ProcessHandle.current().pid();
            run("ip", "netns", "add", namespace);
            String link = "out" + ProcessHandle.current().pid();
            run("ip", "link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", namespace);
            run("ip", "address", "add", HOST + "/28", "dev", link);
            run("ip", "link", "set", link, "up");
            run("ip", "-n", namespace, "link", "set", "lo", "up");
            for (String address : List.of(ONE, OTHER, RESOLVER)) {
                run("ip", "-n", namespace, "address", "add", address + "/28", "dev", "eth0");
            }
            run("ip", "-n", namespace, "link", "set", "eth0", "up");
            Path keys = directory.resolve("keys.p12");
            run(
                    Path.of(System.getProperty("java.home"), "bin", "keytool").toString(),
                    "-genkeypair", "-alias", "outside", "-keyalg", "EC", "-dname", "CN=outside", "-keystore",
                    keys.toString(), "-storetype", "PKCS12", "-storepass", PASSWORD, "-ext", "bc:c=ca:true", "-ext",
                    "san=" + String.join(",", names.keySet().stream().map(name -> "dns:" + name).toList()));
            var arguments = new ArrayList<>(List.of(keys.toString(), PASSWORD, RESOLVER));
            names.forEach((name, address) -> arguments.add(name + "=" + address));
            Process servers = ChildJvm.startBy(
                    List.of("ip", "netns", "exec", namespace),
                    OutsideServers.class,
                    ProcessBuilder.Redirect.PIPE,
                    arguments.toArray(String[]::new));
            var lines = new BufferedReader(new InputStreamReader(servers.getInputStream(), StandardCharsets.UTF_8));
            if (!"serving".equals(lines.readLine())) {
                throw new IllegalStateException("the servers outside do not start");
            }
            return new OutsideWorld(directory, servers);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The certificate that vouches for the servers, which is its own authority. */
    String certificate() {
        try (var in = Files.newInputStream(directory.resolve("keys.p12"))) {
            KeyStore keys = KeyStore.getInstance("PKCS12");
            keys.load(in, PASSWORD.toCharArray());
            byte[] bytes = keys.getCertificate("outside").getEncoded();
            String text = Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(bytes);
            return "-----BEGIN CERTIFICATE-----\n" + text + "\n-----END CERTIFICATE-----\n";
        } catch (IOException | GeneralSecurityException e) {
            throw new IllegalStateException("no certificate", e);
        }
    }

    @Override
    public void close() {
        try {
            servers.destroyForcibly().waitFor();
            // The link goes with the namespace.
            run("ip", "netns", "delete", namespace);
            Files.delete(directory.resolve("keys.p12"));
            Files.delete(directory);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static void run(String... command) {
        try {
            Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
            String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            if (process.waitFor() != 0) {
                throw new IllegalStateException(String.join(" ", command) + ": " + output);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted", e);
        }
    }
}
