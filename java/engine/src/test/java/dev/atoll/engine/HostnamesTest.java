package dev.atoll.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.atoll.domain.SandboxId;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class HostnamesTest {
    private static final String ID = "0123456789abcdef0123456789abcdef";

    @ParameterizedTest
    @CsvSource({
        "hermes-default, hermes-default",
        "a.b_c, a-b-c",
        "A1, A1",
        "x.-, x",
        ID + ", 0123456789ab",
    })
    void aHostnameLooksLikeTheName(String name, String hostname) {
        assertThat(Hostnames.of(new SandboxId(ID), name)).isEqualTo(hostname);
    }

    @ParameterizedTest
    @CsvSource({"128", "64", "63"})
    void isNeverLongerThanALabel(int length) {
        assertThat(Hostnames.of(new SandboxId(ID), "n".repeat(length))).hasSize(63);
    }
}
