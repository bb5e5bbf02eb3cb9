package dev.atoll.face.modal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.atoll.domain.SandboxId;
import dev.atoll.grpc.GrpcException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class VendorIdsTest {
    @ParameterizedTest
    @ValueSource(strings = {
        "00000000000000000000000000000000", "ffffffffffffffffffffffffffffffff", "0123456789abcdef0123456789abcdef"
    })
    void imagesAreTheSameIdInAnotherSpelling(String hex) {
        assertThat(VendorIds.image(hex)).matches("im-[0-9A-Za-z]{22}");
        assertThat(VendorIds.imageHex(VendorIds.image(hex))).isEqualTo(hex);
    }

    @Test
    void bothShapesOfASandboxIdAreRead() {
        String hex = "0123456789abcdef0123456789abcdef";
        assertThat(VendorIds.sandbox("sb-" + hex)).isEqualTo(new SandboxId(hex));
        String shorter = "sb-" + VendorIds.image(hex).substring(3);
        assertThat(VendorIds.sandbox(shorter)).isEqualTo(new SandboxId(hex));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "sb-", "im-0000000000000000000001", "sb-zzzzzzzzzzzzzzzzzzzzzz", "sb-00000000000000000000 1", "sb-0"})
    void anythingElseIsNotFound(String id) {
        assertThatThrownBy(() -> VendorIds.sandbox(id)).isInstanceOf(GrpcException.class).hasMessageContaining("not found");
    }

    @Test
    void appsOfOneEnvironmentShareItsHalf() {
        String one = VendorIds.app("main", "one");
        assertThat(one).matches("ap-[0-9A-Za-z]{22}").isEqualTo(VendorIds.app("main", "one"));
        assertThat(VendorIds.app("main", "two")).isNotEqualTo(one);
        assertThat(VendorIds.environmentOf(VendorIds.app("main", "two"))).isEqualTo(VendorIds.environmentOf(one));
        assertThat(VendorIds.environmentOf(VendorIds.app("dev", "one"))).isNotEqualTo(VendorIds.environmentOf(one));
        assertThat(VendorIds.environmentOf(one)).isEqualTo(VendorIds.environmentPart("main"));
    }
}
