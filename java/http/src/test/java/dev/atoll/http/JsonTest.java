package dev.atoll.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.InstanceOfAssertFactories.type;

import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class JsonTest {
    enum Kind {
        PLAIN,
        FANCY
    }

    record Rule(int after, Kind kind) {}

    record Order(String name, Optional<String> note, List<Rule> rules, Map<String, String> labels) {
        Order {
            if ("bad".equals(name)) {
                throw new IllegalStateException("from the constructor");
            }
        }
    }

    private static Order read(String json) {
        return Json.STRICT.read(json.getBytes(StandardCharsets.UTF_8), Order.class);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{\"nmae\":\"x\"}|nmae|nmae|a known field, nearest 'name'; known: labels, name, note, rules",
                "{\"rules\":[{\"after\":1},{\"after\":\"5\"}]}|rules[1].after|5|a whole number from -2147483648 to 2147483647",
                "{\"rules\":[{\"kind\":\"ODD\"}]}|rules[0].kind|ODD|PLAIN, FANCY",
                "{\"rules\":5}|rules|a value of another type|a list",
                "{\"name\":{}}|name|an object|text",
                "{\"labels\":[]}|labels|a list|object",
                "[]|''|a list|object",
                "''|''|(empty)|a JSON object",
                "null|''|null|a JSON object",
            })
    void errorsNameFieldValueAndWhatIsAllowed(String json, String field, String value, String allowed) {
        assertThatThrownBy(() -> read(json)).asInstanceOf(type(InvalidInputException.class)).satisfies(e -> {
            assertThat(e.field()).isEqualTo(field);
            assertThat(e.value()).isEqualTo(value);
            assertThat(e.allowed()).isEqualTo(allowed);
        });
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {"{\"name\":|1", "{'name':1}|1", "{} {}|1", "{\"name\":\"a\",\"name\":\"b\"}|1", "{\"name\":\"\u0001\"}|1"})
    void whatIsNoJsonIsRefused(String json, int ignored) {
        assertThatThrownBy(() -> read(json)).isInstanceOf(InvalidInputException.class);
    }

    @Test
    void exceptionsOfConstructorsComeThrough() {
        assertThatThrownBy(() -> read("{\"name\":\"bad\"}"))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("from the constructor");
    }

    @Test
    void deepNestingIsRefused() {
        assertThatThrownBy(() -> Json.STRICT.read("[".repeat(100_000).getBytes(StandardCharsets.UTF_8), Object.class))
                .isInstanceOf(InvalidInputException.class);
    }

    @Test
    void lenientIgnoresUnknownFields() {
        Order order = Json.LENIENT.read("{\"name\":\"x\",\"more\":1}".getBytes(StandardCharsets.UTF_8), Order.class);
        assertThat(order.name()).isEqualTo("x");
        assertThat(order.note()).isEmpty();
    }

    @Test
    void absentOptionalsAreLeftOutAndTimesAreRfc3339() {
        record Out(Optional<String> a, Optional<String> b, Instant at) {}
        byte[] json = Json.STRICT.write(new Out(Optional.empty(), Optional.of("x"), Instant.ofEpochSecond(0)));
        assertThat(new String(json, StandardCharsets.UTF_8)).isEqualTo("{\"b\":\"x\",\"at\":\"1970-01-01T00:00:00Z\"}");
    }
}
