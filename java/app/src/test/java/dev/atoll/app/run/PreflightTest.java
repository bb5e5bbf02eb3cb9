package dev.atoll.app.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.atoll.app.config.HostPort;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a machine lacks is one line that names it. */
class PreflightTest {
    @ParameterizedTest
    @ValueSource(strings = {"5.18.19", "5.4.0-216-generic", "4.19.0-27-amd64", "3.10.0-1160.el7.x86_64"})
    void an_older_kernel_is_named_with_what_is_needed(String release) {
        assertThatExceptionOfType(OperatorException.class)
                .isThrownBy(() -> Preflight.requireKernel(release))
                .withMessageContaining(release)
                .withMessageContaining("Linux 5.19 or newer")
                .satisfies(PreflightTest::isOneLine);
    }

    @ParameterizedTest
    @ValueSource(strings = {"5.19.0", "5.19-rc1", "6.1.0-28-amd64", "6.18.5", "10.0.1", "custom"})
    void a_kernel_that_may_do_passes(String release) {
        assertThatCode(() -> Preflight.requireKernel(release)).doesNotThrowAnyException();
    }

    @Test
    void a_taken_port_is_told_with_pid_and_name_of_who_has_it() throws IOException {
        try (var taken = new ServerSocket(0, 1, InetAddress.getByName("127.0.0.1"))) {
            var listen = new HostPort("127.0.0.1", taken.getLocalPort());
            assertThatExceptionOfType(OperatorException.class)
                    .isThrownBy(() -> Preflight.requirePort("native", listen))
                    .withMessageContaining("port " + taken.getLocalPort() + " is taken by pid " + ProcessHandle.current().pid() + " (java)")
                    .withMessageContaining("native.listen")
                    .satisfies(PreflightTest::isOneLine);
        }
    }

    @Test
    void a_port_that_another_takes_on_every_address_is_taken() throws IOException {
        try (var taken = new ServerSocket(0)) {
            assertThatExceptionOfType(OperatorException.class)
                    .isThrownBy(() -> Preflight.requirePort("modal", new HostPort("127.0.0.1", taken.getLocalPort())))
                    .withMessageContaining("pid " + ProcessHandle.current().pid());
        }
    }

    @Test
    void an_address_of_another_machine_is_no_taken_port() {
        assertThatExceptionOfType(OperatorException.class)
                .isThrownBy(() -> Preflight.requirePort("native", new HostPort("192.0.2.1", 7280)))
                .withMessageContaining("192.0.2.1:7280")
                .withMessageContaining("native.listen")
                .satisfies(PreflightTest::isOneLine);
    }

    @Test
    void the_one_line_of_a_script_is_the_reason() {
        assertThatExceptionOfType(OperatorException.class)
                .isThrownBy(() -> Commands.run("making it", List.of("sh", "-c", "echo it has no room >&2; exit 1")))
                .withMessage("it has no room");
        assertThatExceptionOfType(OperatorException.class)
                .isThrownBy(() -> Commands.run("making it", List.of("false")))
                .withMessage("making it failed");
    }

    private static void isOneLine(Throwable told) {
        assertThat(told.getMessage()).doesNotContain("\n");
    }
}
