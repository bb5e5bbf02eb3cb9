package dev.atoll.face.daytona;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.atoll.domain.InvalidFieldException;
import dev.atoll.domain.NetworkPolicy;
import org.junit.jupiter.api.Test;

class NetworkSettingsTest {
    @Test
    void listsAllowWhatTheyNameAndNothingElse() {
        var settings = new NetworkSettings(null, "203.0.113.0/24, 198.51.100.7", "a.example.org,*.example.com");
        assertThat(settings.policy()).isInstanceOfSatisfying(NetworkPolicy.Only.class, only -> {
            assertThat(only.allow()).extracting(Object::toString).containsExactly("203.0.113.0/24", "198.51.100.7/32");
            assertThat(only.domains().orElseThrow()).extracting(Object::toString)
                    .containsExactly("a.example.org", "*.example.com");
        });
        assertThat(NetworkSettings.of(settings.policy()))
                .isEqualTo(new NetworkSettings(false, "203.0.113.0/24,198.51.100.7/32", "a.example.org,*.example.com"));
    }

    @Test
    void rangesAloneLetEveryNameResolve() {
        assertThat(new NetworkSettings(false, "203.0.113.0/24", "").policy())
                .isInstanceOfSatisfying(NetworkPolicy.Only.class, only -> assertThat(only.domains()).isEmpty());
    }

    @Test
    void blockAllWinsAndNothingIsOpen() {
        assertThat(new NetworkSettings(true, "203.0.113.0/24", null).policy()).isEqualTo(NetworkPolicy.NONE);
        assertThat(new NetworkSettings(null, null, " ").policy()).isEqualTo(NetworkPolicy.OPEN);
        assertThat(NetworkSettings.of(NetworkPolicy.NONE)).isEqualTo(new NetworkSettings(true, null, null));
    }

    @Test
    void aBadEntryIsRefusedByTheVendorsName() {
        assertThatThrownBy(() -> new NetworkSettings(null, "203.0.113.0/24,,", null).policy())
                .isInstanceOf(InvalidFieldException.class)
                .hasMessageStartingWith("networkAllowList is ''");
        assertThatThrownBy(() -> new NetworkSettings(true, null, "a b").policy())
                .isInstanceOf(InvalidFieldException.class)
                .hasMessageStartingWith("domainAllowList is 'a b'");
    }
}
