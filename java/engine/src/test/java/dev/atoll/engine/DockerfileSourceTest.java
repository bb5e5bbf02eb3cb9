package dev.atoll.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.atoll.domain.InvalidFieldException;
import dev.atoll.domain.UnsupportedException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class DockerfileSourceTest {
    @ParameterizedTest
    @ValueSource(
            strings = {
                "FROM python:3.12",
                "FROM python:3.12\n",
                "\n# syntax=docker/dockerfile:1\n\n  from   python:3.12  \r\n",
                "FROM --platform=linux/amd64 python:3.12 AS base\n",
                "FROM --platform=linux/amd64 \\\n  python:3.12\n",
            })
    void readsTheImageOfASingleFrom(String text) {
        assertThat(DockerfileSource.image(text)).isEqualTo("python:3.12");
    }

    @Test
    void namesTheFirstInstructionThatWouldHaveToBeBuilt() {
        assertThatThrownBy(() -> DockerfileSource.image("FROM a\n# c\nRUN x\nCOPY y z\n"))
                .isInstanceOf(UnsupportedException.class)
                .hasMessageContaining("RUN")
                .hasMessageNotContaining("COPY");
        assertThatThrownBy(() -> DockerfileSource.image("ARG V=1\nFROM a:$V\n"))
                .isInstanceOf(UnsupportedException.class)
                .hasMessageContaining("ARG");
    }

    @Test
    void refusesASecondStage() {
        assertThatThrownBy(() -> DockerfileSource.image("FROM a AS x\nFROM b\n"))
                .isInstanceOf(UnsupportedException.class)
                .hasMessageContaining("second FROM");
    }

    @ParameterizedTest
    @ValueSource(strings = {"# nothing\n", "FROM\n", "FROM a b\n", "FROM a AS\n", "FROM --what a\n"})
    void refusesWhatIsNoDockerfile(String text) {
        assertThatThrownBy(() -> DockerfileSource.image(text)).isInstanceOf(InvalidFieldException.class);
    }
}
