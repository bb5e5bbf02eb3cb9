package dev.atoll.tests.images;

import static dev.atoll.tests.AtollNode.CALLER;
import static org.assertj.core.api.Assertions.assertThat;

import dev.atoll.domain.Build;
import dev.atoll.domain.BuildLog;
import dev.atoll.domain.BuildStatus;
import dev.atoll.domain.BuildTemplate;
import dev.atoll.domain.ContextFile;
import dev.atoll.domain.CreateSandbox;
import dev.atoll.domain.Isolation;
import dev.atoll.domain.Source;
import dev.atoll.image.registry.RegistrySettings;
import dev.atoll.image.registry.RegistrySettings.Registry;
import dev.atoll.tests.AtollNode;
import dev.atoll.tests.Inside;
import dev.atoll.tests.Tar;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.zip.GZIPOutputStream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Dockerfiles of several stages, and on images of a registry. */
class ImageBuildsTest {
    private static final Duration LONG = Duration.ofMinutes(2);

    private static RegistryProcess registry;
    private static Front front;
    private static AtollNode node;

    @BeforeAll
    static void start() {
        registry = RegistryProcess.start();
        front = new Front(registry.host());
        var settings = new RegistrySettings(
                List.of(plain(registry.host()), plain(front.host())), Optional.empty(), true, Duration.ofSeconds(5),
                Duration.ofSeconds(3), 4, 1L << 30);
        node = AtollNode.start(config -> config.withRegistries(Optional.of(settings)));
        TestImage.withShell().config("Env", List.of("PATH=/bin", "OF=image")).push(registry.host(), "shell", "1");
    }

    private static Registry plain(String host) {
        return new Registry(host, true, Optional.empty(), Optional.empty());
    }

    @AfterAll
    static void stop() {
        node.close();
        front.close();
        registry.close();
    }

    @Test
    void stagesGiveFilesToEachOtherAndTheLastIsTheTemplate() throws IOException {
        String text = """
                ARG TAG=0
                FROM %1$s/shell:$TAG AS build
                WORKDIR /src
                COPY in ./
                RUN mkdir -p /out/sub; cat a l > /out/made; test -d empty; echo sub > /out/sub/file; \\
                    echo 1 > /out/x1; echo 2 > /out/x2; ln -s made /out/link; chmod 0751 /out/sub; echo $OF > /out/env
                FROM base AS unneeded
                RUN exit 1
                FROM build AS more
                RUN echo more >> /out/made
                FROM scratch
                COPY --from=%1$s/shell:1 /bin /bin/
                COPY --from=more /out /copied/
                COPY --from=build --chown=7:8 --chmod=0600 /out/x* /many/
                COPY --from=0 /out/made /renamed
                ADD archive.tar.gz plain.txt /added/
                COPY <<-EOF /etc/motd
                	hello $TAG
                	EOF
                ENV PATH=/bin
                VOLUME /data
                STOPSIGNAL SIGINT
                HEALTHCHECK CMD true
                RUN ["/bin/sh", "-c", "echo ran > /ran"]
                CMD ["/bin/sh"]
                """.formatted(registry.host());
        var archive = new ByteArrayOutputStream();
        try (var gzip = new GZIPOutputStream(archive)) {
            gzip.write(Tar.of().as(0640, 3, 4).file("inside", "of the archive").bytes());
        }
        Build build = built(BuildTemplate.of(text)
                .withArgs(Map.of("TAG", "1"))
                .withContext(List.of(
                        ContextFile.of("in/a", 0644, bytes("made ")), ContextFile.link("in/l", "a"),
                        ContextFile.directory("in/empty", 0700), ContextFile.of("archive.tar.gz", 0644, archive.toByteArray()),
                        ContextFile.of("plain.txt", 0644, bytes("plain")))));
        assertThat(log(build)).contains("Pulling " + registry.host() + "/shell:1", "Step 19/19 : CMD", "/made").doesNotContain("exit 1");
        for (Isolation isolation : List.of(Isolation.CONTAINER, Isolation.GVISOR)) {
            try (Inside in = inside(build, isolation)) {
                // "made " twice: by its name and by the link.
                assertThat(in.sh("cat /copied/made /renamed; echo; readlink /copied/link; stat -c %a /copied/sub; cat /copied/env /etc/motd"))
                        .isEqualTo("made made more\nmade made \nmade\n751\nimage\nhello \n");
                assertThat(in.sh("stat -c '%n %a %u:%g' /many/*")).isEqualTo("/many/x1 600 7:8\n/many/x2 600 7:8\n");
                assertThat(in.sh("stat -c '%a %u:%g' /added/inside; cat /added/inside /added/plain.txt /ran"))
                        .isEqualTo("640 3:4\nof the archiveplainran\n");
            }
        }
        assertThat(node.engine().templates().get(CALLER, build.id().value()).layers()).hasSize(1);

        Build changed = built(BuildTemplate.of(text.replace("echo ran", "echo again"))
                .withArgs(Map.of("TAG", "1"))
                .withContext(List.of(
                        ContextFile.of("in/a", 0644, bytes("made ")), ContextFile.link("in/l", "a"),
                        ContextFile.directory("in/empty", 0700), ContextFile.of("archive.tar.gz", 0644, archive.toByteArray()),
                        ContextFile.of("plain.txt", 0644, bytes("plain")))));
        String again = log(changed);
        assertThat(again.split(" ---> cached", -1)).hasSizeGreaterThan(8);
        assertThat(read(changed, "cat /ran")).isEqualTo("again\n");
    }

    @Test
    void anImageThatCannotBeHadFailsTheBuildWithItsCause() {
        Build build = await(node.engine().builds().start(
                CALLER, BuildTemplate.of("FROM " + registry.host() + "/nothing:1\nRUN true\n")));
        assertThat(build.status()).isEqualTo(BuildStatus.FAILED);
        assertThat(build.failure().orElseThrow().message()).contains("/nothing:1", "not found in registry");
    }

    @Test
    void aPullIsCancelledWithItsBuild() {
        TestImage image = TestImage.withShell().layer(Tar.of().file("stalls", "here"));
        image.push(registry.host(), "stalls", "1");
        front.play((exchange, f) -> {
            if (exchange.getRequestURI().getPath().contains(image.layerDigest(1))) {
                f.sendPart(exchange, f.real(exchange), 1, true);
                return true;
            }
            return false;
        });
        Build build = node.engine().builds().start(CALLER, BuildTemplate.of("FROM " + front.host() + "/stalls:1\n"));
        Awaitility.await().until(() -> front.seen().stream().anyMatch(line -> line.contains(image.layerDigest(1))));
        node.engine().builds().cancel(CALLER, build.id());
        assertThat(await(build).status()).isEqualTo(BuildStatus.CANCELLED);
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static Build await(Build build) {
        return node.engine().builds().await(CALLER, build.id(), LONG);
    }

    private static Build built(BuildTemplate spec) {
        Build build = await(node.engine().builds().start(CALLER, spec));
        assertThat(build.status()).as(() -> build.failure() + "\n" + log(build)).isEqualTo(BuildStatus.SUCCEEDED);
        return build;
    }

    private static String log(Build build) {
        BuildLog all = node.engine().builds().log(CALLER, build.id(), 0, Duration.ZERO);
        return new String(all.bytes(), StandardCharsets.UTF_8);
    }

    private static Inside inside(Build build, Isolation isolation) {
        return node.inside(CreateSandbox.from(new Source.OfTemplate(build.id().value())).isolation(Optional.of(isolation)));
    }

    private static String read(Build build, String command) {
        try (Inside in = inside(build, Isolation.CONTAINER)) {
            return in.sh(command);
        }
    }
}
