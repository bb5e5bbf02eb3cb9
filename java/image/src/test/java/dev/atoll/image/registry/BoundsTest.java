package dev.atoll.image.registry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.atoll.domain.InvalidFieldException;
import dev.atoll.image.registry.Authorizations.Authorization;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.time.Clock;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Names, challenges and tokens that callers and registries choose. */
class BoundsTest {
    @Test
    void aLongChallengeDoesNotOverflowTheStack() {
        String service = "s\\\"".repeat(100_000);
        Challenge found = Challenge.find(List.of("Bearer realm=\"https://x/token\",service=\"" + service + "\",scope=\"a\""))
                .orElseThrow();
        assertThat(found.parameters()).containsEntry("realm", "https://x/token").containsEntry("scope", "a");
        assertThat(found.parameters().get("service")).hasSize(200_000);
    }

    @Test
    void tokensOfRepositoriesThatCallersNameAreBoundedInNumber() {
        var known = new Authorizations(Clock.systemUTC());
        known.put("lasting", new Authorization("Bearer 0", Instant.MAX));
        for (int i = 0; i < 200; i++) {
            known.put("ended" + i, new Authorization("Bearer 1", Instant.EPOCH));
        }
        for (int i = 0; i < 100; i++) {
            known.put("good" + i, new Authorization("Bearer 2", Instant.MAX));
        }
        assertThat(known.find("lasting")).as("those that ended go first").isPresent();
        assertThat(known.find("ended0")).isEmpty();
        for (int i = 0; i < 2000; i++) {
            known.put("more" + i, new Authorization("Bearer 3", Instant.MAX));
        }
        assertThat(known.size()).isEqualTo(256);
        assertThat(known.find("more1999")).isPresent();
        assertThat(known.find("good1")).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"host:65536/a", "host:99999/a", "[::::]/a", "[1:2:3:4:5:6:7:8:9]/a", "1.2.3.4.5/a"})
    void aReferenceToAnAddressThatThereIsNotIsMalformed(String text) {
        assertThatThrownBy(() -> ImageReference.parse(text)).isInstanceOf(InvalidFieldException.class);
    }

    @ParameterizedTest
    @ValueSource(strings = {"host.example:65535/a", "[::1]:5000/a", "10.0.0.1:443/a", "localhost/a", "Host/a"})
    void aReferenceToAnAddressIsWellFormed(String text) {
        assertThat(ImageReference.parse(text).repository()).isEqualTo("a");
    }

    @ParameterizedTest
    @CsvSource({
        "8.8.8.8, false",
        "198.17.0.1, false",
        "198.20.0.1, false",
        "192.0.1.1, false",
        "223.255.255.255, false",
        "2606:4700::1111, false",
        "64:ff9b::8.8.8.8, false",
        "2002:808:808::1, false",
        "10.0.0.1, true",
        "172.16.0.1, true",
        "192.168.1.1, true",
        "169.254.169.254, true",
        "127.0.0.1, true",
        "100.64.0.1, true",
        "0.1.2.3, true",
        "192.0.0.1, true",
        "198.18.0.1, true",
        "198.19.255.255, true",
        "224.0.0.1, true",
        "240.0.0.1, true",
        "255.255.255.255, true",
        "::1, true",
        "::10.0.0.1, true",
        "::ffff:10.0.0.1, true",
        "fe80::1, true",
        "fc00::1, true",
        "64:ff9b::10.0.0.1, true",
        "64:ff9b::169.254.169.254, true",
        "64:ff9b:1::1, true",
        "2002:a00:1::1, true",
        "2002:7f00:1::1, true",
        "2001:0:1::1, true"
    })
    void addressesThatLeadIntoAPrivateNetworkArePrivate(String address, boolean isPrivate) throws UnknownHostException {
        assertThat(Addresses.isPrivate(InetAddress.getByName(address))).isEqualTo(isPrivate);
    }
}
