package dev.atoll.tests;

import static org.assertj.core.api.Assertions.assertThat;

import dev.atoll.domain.Execution;
import dev.atoll.domain.ProcessSpec;
import dev.atoll.domain.SandboxId;
import dev.atoll.engine.Engine;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/** One sandbox of a test and what the test runs in it. Closing deletes it. */
public final class Inside implements AutoCloseable {
    private static final int MAX_OUTPUT = 8 << 20;
    private static final Duration LIMIT = Duration.ofSeconds(120);

    private final Engine engine;
    private final SandboxId id;

    Inside(Engine engine, SandboxId id) {
        this.engine = engine;
        this.id = id;
    }

    public SandboxId id() {
        return id;
    }

    /** Output of a shell command of root that must succeed. */
    public String sh(String command) {
        Execution done = run(ProcessSpec.shell("/bin/sh", command).withMergedOutput());
        assertThat(done.exit().code()).as("%s%nprinted: %s", command, text(done)).isZero();
        return text(done);
    }

    public String shAllowFailure(String command) {
        return text(run(ProcessSpec.shell("/bin/sh", command).withMergedOutput()));
    }

    /** Output of a Python program of root that must succeed. */
    public String python(String program) {
        Execution done = run(ProcessSpec.of(List.of("python3", "-c", program)).withMergedOutput());
        assertThat(done.exit().code()).as("%s%nprinted: %s", program, text(done)).isZero();
        return text(done);
    }

    public int exitCode(String command) {
        return run(ProcessSpec.shell("/bin/sh", command)).exit().code();
    }

    public int exitCodeAs(String user, String command) {
        return run(ProcessSpec.shell("/bin/sh", command).withUser(Optional.of(user)).withCwd(Optional.of("/"))).exit().code();
    }

    public Execution run(ProcessSpec spec) {
        return engine.processes().run(AtollNode.CALLER, id, spec.withTimeout(LIMIT), MAX_OUTPUT);
    }

    private static String text(Execution done) {
        return new String(done.stdout(), StandardCharsets.UTF_8);
    }

    @Override
    public void close() {
        engine.sandboxes().delete(AtollNode.CALLER, id);
    }
}
