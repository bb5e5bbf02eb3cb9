package dev.atoll.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.atoll.domain.InvalidFieldException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class GlobTest {
    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            a            | a         | true
            a            | ab        | false
            a*c          | abbc      | true
            a*c          | a/c       | false
            *            | a/b       | false
            a?c          | a/c       | false
            a?c          | a😀c      | true
            a\\*         | a*        | true
            a\\*         | ab        | false
            [a-c]x       | bx        | true
            [^a-c]x      | bx        | false
            [^a-c]x      | dx        | true
            a[^b]c       | a/c       | false
            [\\]]x       | ]x        | true
            []a]x        | ]x        | true
            [a-]x        | -x        | true
            [z-a]x       | zx        | false
            a[b          | a[b       | true
            a[[b         | a[[b      | true
            **           | a/b/c     | true
            **/c         | c         | true
            **/c         | a/b/c     | true
            **/c         | a/bc      | false
            **/**/c      | a/c       | true
            a/**         | a         | false
            a/**         | a/b/c     | true
            a/**/d       | a/d       | true
            a/**/d       | a/b/c/d   | true
            a/**/d       | a/b/cd    | false
            a**d         | a/b/cd    | true
            a***d        | a/b/cd    | true
            """)
    void matchesAsGoDoesAndOverDirectoriesByTwoStars(String pattern, String path, boolean matches) {
        assertThat(Glob.compile(pattern).matches(path, new Effort("test"))).isEqualTo(matches);
    }

    @Test
    void aDirectoryAboveIsEnoughWhereItIsAskedFor() {
        assertThat(Glob.compile("a/*").matchesWithin("a/b/c", new Effort("test"))).isTrue();
        assertThat(Glob.compile("a/*").matches("a/b/c", new Effort("test"))).isFalse();
    }

    @Test
    @Timeout(20)
    void manyStarsTakeNoMoreThanPatternTimesPath() {
        String path = "a".repeat(4000);
        assertThat(Glob.compile("*a".repeat(1000) + "b").matches(path, new Effort("test"))).isFalse();
        assertThat(Glob.compile("**a/".repeat(1000) + "b").matches("a/".repeat(2000) + "c", new Effort("test"))).isFalse();
        assertThat(Glob.compile("[".repeat(65_536)).matches(path, new Effort("test"))).isFalse();
        assertThat(DockerIgnore.parse("*a*a*a*a*a*a*a*a*a*b").excludes(path)).isFalse();
    }

    @Test
    void patternsThatAreTooMuchWorkForAllFilesTogetherAreRefused() {
        var effort = new Effort(".dockerignore", 100_000);
        Glob glob = Glob.compile("*a".repeat(100) + "b");
        assertThatThrownBy(() -> {
            for (int i = 0; i < 1000; i++) {
                glob.matches("a".repeat(500), effort);
            }
        }).isInstanceOf(InvalidFieldException.class).hasMessageContaining(".dockerignore");
    }
}
