package dev.atoll.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.atoll.domain.Cidr;
import dev.atoll.domain.DomainPattern;
import dev.atoll.domain.InvalidFieldException;
import java.util.Locale;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What may stand in the lists of a network policy. */
class NetworkListsTest {
    @ParameterizedTest
    @CsvSource({
        "1.2.3.4,1.2.3.4/32", "10.0.0.0/8,10.0.0.0/8", "0.0.0.0/0,0.0.0.0/0", "198.51.100.128/25,198.51.100.128/25",
        "2001:DB8::/32,2001:db8:0:0:0:0:0:0/32", "::/0,0:0:0:0:0:0:0:0/0", "::1,0:0:0:0:0:0:0:1/128"
    })
    void rangesAreReadAndWrittenInOneForm(String text, String written) {
        assertThat(Cidr.parse("allow", text)).hasToString(written);
        assertThat(Cidr.parse("allow", written)).isEqualTo(Cidr.parse("allow", text));
    }

    @ParameterizedTest
    @ValueSource(strings = {
        "", "/8", "1.2.3", "1.2.3.4.", "1.2.3.256", "01.2.3.4", "1.2.3.4/33", "1.2.3.4/", "1.2.3.4/08", "1.2.3.4/+8",
        "1.2.3.4/8/8", "10.0.0.1/8", "2001:db8::1/32", "::/129", "fe80::1%1", "::ffff:1.2.3.4", "::ffff:1.2.3.4/128",
        "localhost", "a.b", " 1.2.3.4", "1.2.3.4\n", "\u0663.2.3.4", ":::"
    })
    void whatIsNoRangeIsRefusedByItsField(String text) {
        assertThatThrownBy(() -> Cidr.parse("allow", text))
                .isInstanceOfSatisfying(InvalidFieldException.class, e -> assertThat(e.field()).isEqualTo("allow"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"a", "A.Example.org", "*.example.org", "*", "_dmarc.x", "xn--bcher-kva.example", "1.2.3.x"})
    void namesArePatterns(String text) {
        assertThat(DomainPattern.parse("domains", text)).hasToString(text.toLowerCase(Locale.ROOT));
    }

    @ParameterizedTest
    @ValueSource(strings = {
        "", ".", "a.", ".a", "a..b", "*.*", "a.*", "*a.b", "**", "-a.b", "a-.b", "a b", "a/b", "http://a", "a:80",
        "b\u00fccher.x", "1.2.3.4", "*.1.2.3.4", "a\n"
    })
    void whatIsNoNameIsRefused(String text) {
        assertThatThrownBy(() -> DomainPattern.parse("domains", text)).isInstanceOf(InvalidFieldException.class);
    }

    @Test
    void namesAndTheirPartsAreBounded() {
        String label = "a".repeat(63);
        assertThat(DomainPattern.parse("domains", label + "." + label)).isNotNull();
        for (String text : new String[] {label + "a", (label + ".").repeat(4) + "a"}) {
            assertThatThrownBy(() -> DomainPattern.parse("domains", text)).isInstanceOf(InvalidFieldException.class);
        }
    }
}
