package dev.atoll.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.atoll.domain.ContextFile;
import dev.atoll.domain.InvalidFieldException;
import dev.atoll.domain.NotFoundException;
import dev.atoll.domain.Template;
import dev.atoll.domain.UnsupportedException;
import dev.atoll.image.BuildPlan.Base;
import dev.atoll.image.BuildPlan.Copy;
import dev.atoll.image.BuildPlan.Placed;
import dev.atoll.image.BuildPlan.Run;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class DockerfileTest {
    private static final Template.Config BASE = Template.Config.of(
            Map.of("PATH", "/bin"), "daytona", "/home/daytona", List.of("/init"), List.of("sh"));

    @Test
    void runInBothFormsHasTheEnvironmentUserAndDirectoryOfItsPlace() {
        BuildPlan plan = plan("""
                FROM base
                RUN echo one
                ENV A=1 B="two words" C='$A'
                WORKDIR project/dir
                USER root
                RUN ["/bin/echo", "$A"]
                """);
        assertThat(run(plan, 1)).isEqualTo(new Run(
                List.of(), List.of("/bin/sh", "-c", "echo one"), Map.of("PATH", "/bin"), "daytona", "/home/daytona"));
        assertThat(run(plan, 5)).isEqualTo(new Run(
                List.of("/home/daytona/project/dir"),
                List.of("/bin/echo", "$A"),
                Map.of("PATH", "/bin", "A", "1", "B", "two words", "C", "$A"),
                "root",
                "/home/daytona/project/dir"));
        assertThat(plan.config().workdir()).isEqualTo("/home/daytona/project/dir");
    }

    @Test
    void linesAreContinuedOverCommentsAndBlankLinesAndCountFromTheirFirst() {
        BuildPlan plan = plan("""
                # a comment
                FROM base

                RUN apt-get update \\
                    # why
                    && \\

                    true
                """);
        assertThat(plan.steps()).extracting(BuildPlan.Step::line).containsExactly(2, 4);
        assertThat(run(plan, 1).argv().getLast()).matches("apt-get update\\s+&&\\s+true");
    }

    @Test
    void hereDocumentsAreScriptsOrInputOfACommand() {
        BuildPlan plan = plan("""
                FROM base
                RUN <<EOF
                # no comment of the file
                echo one
                EOF
                RUN cat <<'X' > /file && <<-Y cat
                $A
                X
                \tindented
                \tY
                CMD ["x"]
                """);
        assertThat(run(plan, 1).argv().getLast()).isEqualTo("# no comment of the file\necho one\n");
        assertThat(run(plan, 2).argv().getLast())
                .isEqualTo("cat <<'X' > /file && <<-Y cat\n$A\nX\nindented\nY\n");
        assertThat(plan.config().command()).containsExactly("x");
    }

    @Test
    void argumentsAreVariablesOfInstructionsAndOfRunWhenDeclared() {
        BuildPlan plan = plan(
                """
                ARG TAG=3
                ARG UNUSED
                FROM base:$TAG
                ARG TAG
                ARG NAME=default
                ARG OTHER="$NAME-x"
                ENV SHOWN=${NAME:-none}-${MISSING:-none}-${NAME:+set}-\\$NAME
                RUN true
                """,
                Map.of("NAME", "given", "NOBODY", "x"));
        assertThat(run(plan, 5).env())
                .containsEntry("NAME", "given")
                .containsEntry("OTHER", "given-x")
                .containsEntry("TAG", "3")
                .containsEntry("SHOWN", "given-none-set-$NAME");
        assertThat(plan.config().env()).doesNotContainKeys("NAME", "TAG");
        assertThat(plan.usedArgs()).contains("NAME", "TAG", "OTHER").doesNotContain("NOBODY");
        assertThat(Dockerfile.parse("ARG T=1\nFROM a:${T}\n").base(0, Map.of("T", "2"))).isEqualTo(new Base.OfImage("a:2"));
    }

    @Test
    void commandAndEntrypointFollowTheRulesOfImages() {
        assertThat(plan("FROM base\nCMD echo hi").config())
                .extracting(Template.Config::entrypoint, Template.Config::command)
                .containsExactly(List.of("/init"), List.of("/bin/sh", "-c", "echo hi"));
        assertThat(plan("FROM base\nENTRYPOINT [\"/x\"]").config())
                .extracting(Template.Config::entrypoint, Template.Config::command)
                .containsExactly(List.of("/x"), List.of());
        assertThat(plan("FROM base\nCMD [\"a\"]\nENTRYPOINT []").config())
                .extracting(Template.Config::entrypoint, Template.Config::command)
                .containsExactly(List.of(), List.of("a"));
        assertThat(run(plan("FROM base\nSHELL [\"/bin/bash\", \"-ec\"]\nRUN x"), 2).argv())
                .containsExactly("/bin/bash", "-ec", "x");
    }

    @Test
    void labelsAndPortsAreKept() {
        Template.Config config = plan("FROM base\nLABEL a=b \"c d\"=\"e f\"\nEXPOSE 80 53/udp 8000-8010\n").config();
        assertThat(config.labels()).isEqualTo(Map.of("a", "b", "c d", "e f"));
        assertThat(config.exposedPorts()).isEqualTo(Set.of("80/tcp", "53/udp", "8000-8010/tcp"));
    }

    @Test
    void copyFindsFilesDirectoriesAndPatterns() {
        assertThat(paths("COPY a.txt /x")).containsExactly("/x");
        assertThat(paths("COPY ./a.txt rel/")).containsExactly("/home/daytona/rel/a.txt");
        assertThat(paths("COPY dir /x")).containsExactlyInAnyOrder("/x/b.py", "/x/sub/c.py");
        assertThat(paths("COPY . .")).containsExactlyInAnyOrder(
                "/home/daytona/a.txt", "/home/daytona/dir/b.py", "/home/daytona/dir/sub/c.py");
        assertThat(paths("COPY dir/*.py a.txt /x/")).containsExactly("/x/b.py", "/x/a.txt");
        assertThat(paths("COPY [\"a.txt\", \"/with blank\"]")).containsExactly("/with blank");
        assertThat(paths("COPY ../../a.txt /../x")).containsExactly("/x");
        Copy copy = copy("COPY --chown=1:2 --chmod=0640 a.txt /x");
        assertThat(copy.owner()).contains("1:2");
        assertThat(copy.files()).extracting(Placed::mode).containsExactly(0640);
        assertThatThrownBy(() -> paths("COPY missing /x"))
                .isInstanceOf(NotFoundException.class)
                .hasMessageContaining("line 2")
                .hasMessageContaining("missing");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '"', textBlock = """
            FROM a\\nADD http://x/y /     | line 2: ADD from an address
            FROM a\\nONBUILD RUN x       | line 2: instruction ONBUILD is not supported; allowed: FROM, RUN
            FROM a\\nRUN --mount=type=cache x | line 2: --mount
            FROM a\\nADD --checksum=x y / | line 2: --checksum
            """)
    void whatIsNotOfferedNamesItsLine(String text, String message) {
        assertThatThrownBy(() -> plan(text.replace("\\n", "\n")))
                .isInstanceOf(UnsupportedException.class)
                .hasMessageContaining(message.strip());
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
            RUN x                     | line 1
            # nothing                 | FROM
            FROM a b c                | line 1
            FROM a\\nENV              | line 2
            FROM a\\nENV A='b         | line 2
            FROM a\\nENV =b           | line 2
            FROM a\\nENV 1A=b         | line 2
            FROM a\\nARG 1=2          | line 2
            FROM a\\nENV A=${B        | line 2
            FROM a\\nENV A=${B?x}     | line 2
            FROM a\\nCOPY x           | line 2
            FROM a\\nCOPY --chmod=9 x y | line 2
            FROM a\\nSHELL bash       | line 2
            FROM a\\nEXPOSE http      | line 2
            FROM a\\nRUN <<EOF        | line 2
            """)
    void whatIsWrittenWronglyNamesItsLine(String text, String message) {
        assertThatThrownBy(() -> plan(text.replace("\\n", "\n")))
                .isInstanceOf(InvalidFieldException.class)
                .hasMessageContaining(message.strip());
    }

    @Test
    void stagesAreNamedAndOnlyThoseThatTheLastNeedsAreOfUse() {
        Dockerfile file = Dockerfile.parse("""
                ARG BASE=golang
                FROM --platform=$BUILDPLATFORM ${BASE}:1 AS Build
                RUN make
                FROM build AS test
                RUN make test
                FROM other
                FROM scratch
                COPY --from=build /out /out
                COPY --from=2 --chown=1:2 --chmod=0700 a* b /c/
                COPY --from=busybox:1 /bin/sh .
                """);
        assertThat(file.stages()).isEqualTo(4);
        assertThat(file.needed(Map.of())).containsExactly(0, 2, 3);
        assertThat(file.base(0, Map.of("BASE", "rust"))).isEqualTo(new Base.OfImage("rust:1"));
        assertThat(file.base(1, Map.of())).isEqualTo(new Base.OfStage(0));
        assertThat(file.uses(3, Map.of())).containsExactly(
                new Base.Scratch(), new Base.OfStage(0), new Base.OfStage(2), new Base.OfImage("busybox:1"));
        List<BuildPlan.Step> steps = file.plan(3, Template.Config.EMPTY, Map.of(), List.of()).steps();
        assertThat(steps.get(2).work()).contains(new BuildPlan.CopyFrom(
                List.of(), new Base.OfStage(2), List.of("/a*", "/b"), "/c", true, Optional.of("1:2"), Optional.of(0700)));
        assertThat(steps.get(3).work()).contains(new BuildPlan.CopyFrom(
                List.of(), new Base.OfImage("busybox:1"), List.of("/bin/sh"), "/", true, Optional.empty(), Optional.empty()));
        assertThatThrownBy(() -> Dockerfile.parse("FROM a\nCOPY --from=0 x /\n").needed(Map.of()))
                .isInstanceOf(InvalidFieldException.class)
                .hasMessageContaining("line 2");
    }

    @Test
    void hereDocumentsOfCopyAreFilesAndAddMarksWhatMayBeAnArchive() throws Exception {
        BuildPlan plan = plan("""
                FROM base
                ENV WHO=world
                COPY <<greeting <<"quoted" /etc/
                hello "$WHO" \\$WHO ${WHO:-x}
                greeting
                $WHO
                quoted
                VOLUME /data
                HEALTHCHECK CMD true
                STOPSIGNAL SIGINT
                """);
        Copy copy = (Copy) plan.steps().get(2).work().orElseThrow();
        assertThat(copy.files()).extracting(Placed::path).containsExactly("/etc/greeting", "/etc/quoted");
        assertThat(copy.files().get(0).file().content().open()).hasContent("hello \"world\" $WHO world\n");
        assertThat(copy.files().get(1).file().content().open()).hasContent("$WHO\n");
        assertThat(plan.steps().subList(3, 6)).allMatch(step -> step.work().isEmpty());
        assertThat(copy("ADD a.txt dir /x/").files()).extracting(Placed::unpackInto)
                .containsExactly(Optional.of("/x"), Optional.empty(), Optional.empty());
    }

    /** Each line is short, and what all of them place was kept in memory. */
    @Test
    void linesThatPlaceTheSameFilesAgainAndAgainAreBounded() {
        List<ContextFile> context = IntStream.range(0, 1_000)
                .mapToObj(i -> ContextFile.of("f" + i, 0644, new byte[0]))
                .toList();
        var file = Dockerfile.parse("FROM base\n" + "COPY . /x/\n".repeat(201));
        assertThatThrownBy(() -> file.plan(0, BASE, Map.of(), context))
                .isInstanceOf(InvalidFieldException.class)
                .hasMessageContaining("copied files");
    }

    private static List<String> paths(String copy) {
        return copy(copy).files().stream().map(Placed::path).toList();
    }

    private static Copy copy(String line) {
        List<ContextFile> context = List.of(
                ContextFile.of("a.txt", 0644, new byte[] {1}),
                ContextFile.of("dir/b.py", 0755, new byte[] {2}),
                ContextFile.of("dir/sub/c.py", 0644, new byte[] {3}));
        BuildPlan plan = Dockerfile.parse("FROM base\n" + line).plan(0, BASE, Map.of(), context);
        return (Copy) plan.steps().get(1).work().orElseThrow();
    }

    private static Run run(BuildPlan plan, int step) {
        return (Run) plan.steps().get(step).work().orElseThrow();
    }

    private static BuildPlan plan(String text) {
        return plan(text, Map.of());
    }

    private static BuildPlan plan(String text, Map<String, String> args) {
        return Dockerfile.parse(text).plan(0, BASE, args, List.of());
    }
}
