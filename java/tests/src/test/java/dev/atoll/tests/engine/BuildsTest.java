package dev.atoll.tests.engine;

import static dev.atoll.tests.AtollNode.CALLER;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.atoll.domain.Build;
import dev.atoll.domain.BuildLog;
import dev.atoll.domain.BuildStatus;
import dev.atoll.domain.BuildTemplate;
import dev.atoll.domain.Caller;
import dev.atoll.domain.ConflictException;
import dev.atoll.domain.ContextFile;
import dev.atoll.domain.CreateSandbox;
import dev.atoll.domain.Entrypoint;
import dev.atoll.domain.EnvSource;
import dev.atoll.domain.NotFoundException;
import dev.atoll.domain.Outcome;
import dev.atoll.domain.ProcessExit;
import dev.atoll.domain.ProjectId;
import dev.atoll.domain.Sandbox;
import dev.atoll.domain.SandboxId;
import dev.atoll.domain.Snapshot;
import dev.atoll.domain.Source;
import dev.atoll.domain.Template;
import dev.atoll.domain.TemplateId;
import dev.atoll.domain.UnsupportedException;
import dev.atoll.tests.AtollNode;
import dev.atoll.tests.Inside;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Templates from Dockerfiles, built in real sandboxes. */
class BuildsTest {
    private static final Duration LONG = Duration.ofMinutes(2);
    private static final Caller OPERATOR = new Caller(ProjectId.DEFAULT, "operator", true);
    private static AtollNode node;

    @BeforeAll
    static void start() {
        node = AtollNode.start();
    }

    @AfterAll
    static void stop() {
        node.close();
    }

    @Test
    void whatTheInstructionsSayIsInTheSandboxesOfTheTemplate() {
        Build build = built(BuildTemplate.of("""
                        FROM python:3.12-slim
                        ARG WHO=nobody
                        ENV GREETING="hello $WHO" LANG=C
                        RUN useradd -m app && echo "$GREETING from $WHO" > /greeting
                        WORKDIR /srv/app
                        COPY --chown=app:app --chmod=0750 tool.sh bin/
                        USER app
                        RUN ["sh", "-c", "id -un > /tmp/who; pwd >> /tmp/who"]
                        LABEL a=b
                        EXPOSE 80
                        ENTRYPOINT ["sh", "-c"]
                        CMD ["exit 6"]
                        """)
                .withArgs(Map.of("WHO", "world"))
                .withContext(List.of(file("tool.sh", "#!/bin/sh\necho tool $GREETING"))));
        assertThat(log(build)).contains("Step 1/12 : FROM python:3.12-slim\n", "images.alias python:*");

        try (Inside in = inside(build)) {
            assertThat(in.sh("cat /greeting /tmp/who; id -un; pwd; stat -c '%U %G %a' bin/tool.sh; bin/tool.sh"))
                    .isEqualTo("hello world from world\napp\n/srv/app\napp\n/srv/app\napp app 750\ntool hello world\n");
        }
        Template template = node.engine().templates().get(CALLER, build.id().value());
        assertThat(template.layers()).hasSize(2);
        assertThat(template.config().labels()).containsEntry("a", "b");
        assertThat(template.config().env()).doesNotContainKey("WHO");
        SandboxId ends = node.engine().sandboxes()
                .create(CALLER, CreateSandbox.from(new Source.OfTemplate(build.id().value()))
                        .entrypoint(Optional.of(new Entrypoint.Request(
                                Optional.empty(), Optional.empty(), Optional.empty(), true)))
                        .build())
                .id();
        assertThat(node.engine().sandboxes().awaitEnd(CALLER, ends, LONG).flatMap(Sandbox::outcome).flatMap(Outcome::exit))
                .map(ProcessExit::code)
                .contains(6);
    }

    @Test
    void aCachedBuildRunsNothingAndReturnsTheSameTemplate() {
        String text = "FROM base\nRUN cat /proc/sys/kernel/random/uuid > /once\nRUN cp /once /twice\n";
        Build first = built(BuildTemplate.of(text));
        assertThat(started(BuildTemplate.of(text)).id()).isEqualTo(first.id());

        Build longer = built(BuildTemplate.of(text + "RUN cp /twice /thrice\n"));
        assertThat(log(longer)).containsSubsequence("Step 2/4", " ---> cached", "Step 3/4", " ---> cached", "Step 4/4");
        String once = read(first, "cat /once");
        assertThat(read(longer, "cat /once /twice /thrice")).isEqualTo(once.repeat(3));

        Build named = built(BuildTemplate.of(text).withName(Optional.of("named")));
        assertThat(named.id()).isNotEqualTo(first.id());
        assertThat(read(named, "cat /once")).isEqualTo(once);
        assertThat(node.engine().templates().get(CALLER, "named").layers())
                .isEqualTo(node.engine().templates().get(CALLER, first.id().value()).layers());

        Build forced = built(BuildTemplate.of(text).withForce(true));
        assertThat(forced.id()).isNotEqualTo(first.id());
        assertThat(read(forced, "cat /once")).isNotEqualTo(once);
        assertThat(read(first, "cat /once")).isEqualTo(once);
    }

    @Test
    void theCacheOutlivesTheEngine() {
        String text = "FROM base\nRUN cat /proc/sys/kernel/random/uuid > /outlives\n";
        Build first = built(BuildTemplate.of(text));
        String value = read(first, "cat /outlives");
        node.restartEngine();
        Build again = built(BuildTemplate.of(text + "RUN true\n"));
        assertThat(read(again, "cat /outlives")).isEqualTo(value);
        assertThat(built(BuildTemplate.of(text)).id()).isEqualTo(first.id());
    }

    @Test
    void aChangedInputIsAnotherStep() {
        String text = "FROM base\nCOPY f /f\nRUN cp /f /copied\n";
        Build one = built(BuildTemplate.of(text).withContext(List.of(file("f", "1"))));
        Build two = built(BuildTemplate.of(text).withContext(List.of(file("f", "2"))));
        assertThat(read(one, "cat /copied")).isEqualTo("1");
        assertThat(read(two, "cat /copied")).isEqualTo("2");
        String args = "FROM base\nARG A\nRUN echo $A > /a\n";
        assertThat(read(built(BuildTemplate.of(args).withArgs(Map.of("A", "x"))), "cat /a")).isEqualTo("x\n");
        assertThat(read(built(BuildTemplate.of(args).withArgs(Map.of("A", "y"))), "cat /a")).isEqualTo("y\n");
    }

    @Test
    void equalBuildsAreOneAndEqualStepsOfDifferentOnesRunOnce() {
        String step = "FROM base\nRUN cat /proc/sys/kernel/random/uuid > /shared; sleep 1\n";
        Build first = started(BuildTemplate.of(step));
        Build joined = started(BuildTemplate.of(step));
        Build other = started(BuildTemplate.of(step + "RUN echo other > /other\n"));
        assertThat(joined.id()).isEqualTo(first.id());
        assertThat(await(first).status()).isEqualTo(BuildStatus.SUCCEEDED);
        assertThat(await(other).status()).isEqualTo(BuildStatus.SUCCEEDED);
        assertThat(read(other, "cat /shared")).isEqualTo(read(first, "cat /shared"));
        assertThat(read(other, "cat /other")).isEqualTo("other\n");
    }

    @Test
    void aFailedStepShowsItsOwnOutputAndLeavesNoTemplate() {
        Build build = await(started(BuildTemplate.of(
                "FROM base\nRUN echo of the step before\nRUN echo why >&2; exit 9\n")));
        assertThat(build.status()).isEqualTo(BuildStatus.FAILED);
        Build.Failure failure = build.failure().orElseThrow();
        assertThat(failure.line()).isEqualTo(3);
        assertThat(failure.exitCode()).contains(9);
        assertThat(failure.message()).contains("line 3", "exit code 9");
        assertThat(failure.output()).isEqualTo("why\n");
        assertThat(log(build)).contains("of the step before\n", "why\n");
        assertThatThrownBy(() -> node.engine().templates().get(CALLER, build.id().value()))
                .isInstanceOf(NotFoundException.class);
        Build again = await(started(BuildTemplate.of(
                "FROM base\nRUN echo of the step before\nRUN echo why >&2; exit 9\n")));
        assertThat(again.id()).isNotEqualTo(build.id());
        assertThat(log(again)).contains(" ---> cached");
    }

    @Test
    void commandsThatAreNotThereAndUsersThatAreNotThereAreFailuresOfTheirLine() {
        assertThat(await(started(BuildTemplate.of("FROM base\nRUN [\"/no/such\"]"))).failure().orElseThrow())
                .satisfies(f -> assertThat(f.message()).contains("line 2", "/no/such"));
        assertThat(await(started(BuildTemplate.of("FROM base\nUSER nobody-here\nRUN true"))).failure().orElseThrow())
                .satisfies(f -> assertThat(f.message()).contains("line 3", "nobody-here"));
    }

    @Test
    void theLogIsReadWhileItGrowsAndAgainFromAnyOffset() {
        Build build = started(BuildTemplate.of(
                "FROM base\nRUN echo first; while [ ! -e /proc/self/nothing ] && [ $((i += 1)) -lt 20 ]; do sleep 0.1; done; echo last\n"));
        long offset = 0;
        var seen = new StringBuilder();
        boolean whileRunning = false;
        while (true) {
            BuildLog piece = node.engine().builds().log(CALLER, build.id(), offset, Duration.ofSeconds(30));
            seen.append(new String(piece.bytes(), StandardCharsets.UTF_8));
            whileRunning |= seen.toString().contains("first\n")
                    && node.engine().builds().get(CALLER, build.id()).status() == BuildStatus.RUNNING;
            offset = piece.next();
            if (piece.ended()) {
                break;
            }
        }
        assertThat(whileRunning).isTrue();
        assertThat(seen.toString()).contains("last\n").isEqualTo(log(build));
        BuildLog part = node.engine().builds().log(CALLER, build.id(), offset - 5, Duration.ZERO);
        assertThat(new String(part.bytes(), StandardCharsets.UTF_8)).isEqualTo(seen.substring(seen.length() - 5));
        assertThat(node.engine().builds().get(CALLER, build.id()).logBytes()).isEqualTo(offset);
    }

    @Test
    void aSecretIsInTheStepAndNowhereElse() {
        String value = "swordfish-" + UUID.randomUUID();
        Build build = built(BuildTemplate.of("""
                        FROM base
                        RUN test -n "$TOKEN" && echo "the token is $TOKEN." && printf %s "$TOKEN" | sha256sum > /digest
                        """)
                .withSecrets(List.of(new EnvSource.Inline(Map.of("TOKEN", value)))));
        assertThat(log(build)).contains("the token is ***.").doesNotContain(value);
        assertThat(node.engine().templates().get(CALLER, build.id().value()).config().toString()).doesNotContain("TOKEN");
        try (Inside in = inside(build)) {
            assertThat(in.sh("cat /digest; env")).doesNotContain("TOKEN", value);
            assertThat(in.sh("grep -rl swordfish /etc /root /tmp /var /run /home 2>/dev/null || true")).isEmpty();
        }
        Build other = built(BuildTemplate.of("""
                        FROM base
                        RUN test -n "$TOKEN" && echo "the token is $TOKEN." && printf %s "$TOKEN" | sha256sum > /digest
                        """)
                .withSecrets(List.of(new EnvSource.Inline(Map.of("TOKEN", "other value")))));
        assertThat(other.id()).isNotEqualTo(build.id());
    }

    @Test
    void aCancelledBuildEndsAtOnceAndLeavesNothing() {
        Build build = started(BuildTemplate.of("FROM base\nRUN echo begun; sleep infinity\n"));
        Awaitility.await().until(() -> log(build).contains("begun"));
        node.engine().builds().cancel(CALLER, build.id());
        assertThat(await(build).status()).isEqualTo(BuildStatus.CANCELLED);
        assertThat(log(build)).endsWith("cancelled\n");
        assertThat(node.engine().node().audit(false)).isEmpty();
        assertThat(node.engine().builds().cancel(CALLER, build.id()).status()).isEqualTo(BuildStatus.CANCELLED);
    }

    @Test
    void whatAStepStartedDoesNotGoOnInTheNext() {
        Build build = built(BuildTemplate.of(
                "FROM base\nRUN setsid sleep 1234 >/dev/null 2>&1 & true\nRUN pgrep -x sleep > /found || true\n"));
        assertThat(read(build, "cat /found")).isEmpty();
    }

    @Test
    void aTemplateIsABaseAndASnapshotIsOne() {
        Build first = built(BuildTemplate.of("FROM base\nRUN echo 1 > /one\nENV FIRST=yes\n"));
        Build second = built(BuildTemplate.of("FROM before\nRUN cat /one > /two; rm /one; test $FIRST = yes\n")
                .withBases(Map.of("before", new Source.OfTemplate(first.id().value()))));
        assertThat(read(second, "cat /two; ls /one 2>&1; echo $FIRST")).isEqualTo("1\nls: cannot access '/one': No such file or directory\nyes\n");

        try (Inside in = inside(second)) {
            in.sh("echo 3 > /three");
            Snapshot snapshot =
                    node.engine().snapshots().create(CALLER, in.id(), Optional.of("of-second"), Optional.empty());
            Build third = built(BuildTemplate.of("FROM snap\nRUN cat /two /three > /four\n")
                    .withBases(Map.of("snap", new Source.OfSnapshot(snapshot.id().value()))));
            Build only = built(BuildTemplate.of("FROM snap\nENV X=1\n")
                    .withBases(Map.of("snap", new Source.OfSnapshot(snapshot.id().value()))));
            node.engine().snapshots().delete(CALLER, snapshot.id());
            assertThat(read(third, "cat /four")).isEqualTo("1\n3\n");
            assertThat(read(only, "cat /three; echo $X")).isEqualTo("3\n1\n");
        }
    }

    @Test
    void aNameGoesToTheNewestBuildAndTheOldTemplateKeepsItsId() {
        Build old = built(BuildTemplate.of("FROM base\nRUN echo old > /v\n").withName(Optional.of("app")));
        Build next = built(BuildTemplate.of("FROM base\nRUN echo new > /v\n").withName(Optional.of("app")));
        assertThat(node.engine().templates().get(CALLER, "app").id()).isEqualTo(next.id());
        assertThat(read(old, "cat /v")).isEqualTo("old\n");
    }

    @Test
    void aTemplateOfNothingButConfigurationSharesAllLayersAndCanBeRemoved() {
        Build build = built(BuildTemplate.of("FROM base\nENV ONLY=config\n"));
        assertThat(read(build, "echo $ONLY")).isEqualTo("config\n");
        node.engine().templates().delete(CALLER, build.id());
        assertThat(node.sh(node.create().id(), "echo the base is there")).isEqualTo("the base is there");
    }

    @Test
    void aRemovedTemplateTakesItsLayerOnceNobodyUsesItAndAPruneTakesTheSteps() {
        Build build = built(BuildTemplate.of("FROM base\nRUN head -c 1000000 /dev/urandom > /big\n"));
        var layer = node.engine().templates().get(CALLER, build.id().value()).layers().getLast();
        try (Inside in = inside(build)) {
            assertThatThrownBy(() -> node.engine().templates().delete(CALLER, build.id()))
                    .isInstanceOf(ConflictException.class);
            assertThat(in.sh("stat -c %s /big")).isEqualTo("1000000\n");
        }
        node.engine().templates().delete(CALLER, build.id());
        assertThat(node.engine().node().prune(OPERATOR)).isPositive();
        assertThat(node.warden().listAll().layers()).extracting(l -> l.id()).doesNotContain(layer);
        assertThat(node.engine().node().audit(false)).isEmpty();
    }

    @Test
    void whatCannotBeBuiltIsToldAtOnce() {
        assertThatThrownBy(() -> started(BuildTemplate.of("FROM registry.example/nothing:1\n")))
                .isInstanceOf(NotFoundException.class)
                .hasMessageContaining("registry.example/nothing:1");
        assertThatThrownBy(() -> started(BuildTemplate.of("FROM base\nONBUILD RUN x\n")))
                .isInstanceOf(UnsupportedException.class)
                .hasMessageContaining("line 2");
        assertThatThrownBy(() -> started(BuildTemplate.of("FROM base\nCOPY gone /\n")))
                .isInstanceOf(NotFoundException.class)
                .hasMessageContaining("gone");
        assertThatThrownBy(() -> node.engine().builds().get(CALLER, new TemplateId("0".repeat(32))))
                .isInstanceOf(NotFoundException.class);
    }

    @Test
    void anotherProjectsCacheAndBuildsAreItsOwn() {
        String text = "FROM base\nRUN cat /proc/sys/kernel/random/uuid > /project\n";
        Build ours = built(BuildTemplate.of(text));
        var other = new Caller(new ProjectId("other"), "k", false);
        Build theirs = node.engine().builds().start(other, BuildTemplate.of(text));
        assertThat(theirs.id()).isNotEqualTo(ours.id());
        assertThat(node.engine().builds().await(other, theirs.id(), LONG).status()).isEqualTo(BuildStatus.SUCCEEDED);
        assertThatThrownBy(() -> node.engine().builds().get(CALLER, theirs.id())).isInstanceOf(NotFoundException.class);
    }

    private static ContextFile file(String path, String text) {
        return ContextFile.of(path, 0644, text.getBytes(StandardCharsets.UTF_8));
    }

    private static Build started(BuildTemplate spec) {
        return node.engine().builds().start(CALLER, spec);
    }

    private static Build await(Build build) {
        return node.engine().builds().await(CALLER, build.id(), LONG);
    }

    private static Build built(BuildTemplate spec) {
        Build build = await(started(spec));
        assertThat(build.status()).as(() -> build.failure() + "\n" + log(build)).isEqualTo(BuildStatus.SUCCEEDED);
        return build;
    }

    private static String log(Build build) {
        var bytes = new ByteArrayOutputStream();
        BuildLog piece;
        long offset = 0;
        do {
            piece = node.engine().builds().log(CALLER, build.id(), offset, Duration.ZERO);
            bytes.writeBytes(piece.bytes());
            offset = piece.next();
        } while (piece.bytes().length > 0);
        return bytes.toString(StandardCharsets.UTF_8);
    }

    private static Inside inside(Build build) {
        return node.inside(CreateSandbox.from(new Source.OfTemplate(build.id().value())));
    }

    private static String read(Build build, String command) {
        try (Inside in = inside(build)) {
            return in.sh(command);
        }
    }
}
