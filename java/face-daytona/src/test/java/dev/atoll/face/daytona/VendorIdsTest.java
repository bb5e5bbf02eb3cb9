package dev.atoll.face.daytona;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class VendorIdsTest {
    private static final String HEX = "0123456789abcdef0f1e2d3c4b5a6978";
    private static final String UUID = "01234567-89ab-cdef-0f1e-2d3c4b5a6978";

    @Test
    void bothFormsOfAnIdAreTheSameBits() {
        assertThat(VendorIds.uuid(HEX)).isEqualTo(UUID);
        assertThat(VendorIds.hex(UUID)).contains(HEX);
        assertThat(VendorIds.hex(UUID.toUpperCase(java.util.Locale.ROOT))).contains(HEX);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "hermes-default", HEX, UUID + "0", "01234567-89ab-cdef-0f1e2-d3c4b5a6978"})
    void namesAreNoIds(String name) {
        assertThat(VendorIds.hex(name)).isEmpty();
    }
}
