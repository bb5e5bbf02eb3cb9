package dev.atoll.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.atoll.engine.EngineConfig.Alias;
import dev.atoll.engine.EngineConfig.Prefer;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ImageAliasesTest {
    private final ImageAliases aliases = new ImageAliases(List.of(
            new Alias("python:3.12-slim", "slim", Prefer.ALIAS),
            new Alias("python:*", "base", Prefer.ALIAS),
            new Alias("nikolaik/python-nodejs:*", "base", Prefer.ALIAS)));

    @ParameterizedTest
    @ValueSource(
            strings = {
                "python",
                "python:3.11",
                "library/python:3.11",
                "docker.io/library/python",
                "docker.io/python:3.9-bookworm",
                "nikolaik/python-nodejs:python3.11-nodejs20",
                "docker.io/nikolaik/python-nodejs",
            })
    void findsEverySpellingOfAReference(String reference) {
        assertThat(aliases.find(reference)).map(Alias::template).contains("base");
    }

    @Test
    void theFirstPatternThatMatchesWins() {
        assertThat(aliases.find("python:3.12-slim")).map(Alias::template).contains("slim");
    }

    @ParameterizedTest
    @ValueSource(strings = {"pythonx:1", "evil.example/python:3", "other/python:3", "python/x:1", "", "python.:3"})
    void aPatternDoesNotReachFurtherThanItSays(String reference) {
        assertThat(aliases.find(reference)).isEmpty();
    }

    @Test
    void tellsWhatLeadsToATemplate() {
        assertThat(aliases.leadingTo("base")).containsExactly("python:*", "nikolaik/python-nodejs:*");
    }
}
