package dev.atoll.tests.fault;

import static dev.atoll.tests.AtollNode.CALLER;

import dev.atoll.domain.Isolation;
import dev.atoll.domain.ProcessEvent;
import dev.atoll.domain.ProcessId;
import dev.atoll.domain.ProcessSpec;
import dev.atoll.domain.ProcessStream;
import dev.atoll.domain.SandboxId;
import dev.atoll.engine.KillPoints;
import dev.atoll.tests.AtollNode;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * An engine in a process of its own, made to be killed. It prepares sandboxes on the node of another
 * process, writes one line of {@code key id} for each, then {@code ready}, and waits for its end.
 */
public final class DoomedEngine {
    static final ProcessId COUNTER = new ProcessId("counter");

    /** Last line that is written. */
    static final String READY = "ready";

    /** How far the counter has come, inside; written before the number is printed. */
    static final String PROGRESS = "/root/progress";

    /** Ends the counter. */
    static final String ENOUGH = "/root/enough";

    /** Prints 1, 2, 3 … a hundred times a second at most until it is told to end. */
    private static final String COUNT = """
            import os, time
            n = 0
            while not os.path.exists('%s'):
                n += 1
                with open('%s.new', 'w') as f:
                    f.write(str(n))
                os.rename('%s.new', '%s')
                print(n, flush=True)
                time.sleep(0.01)
            """.formatted(ENOUGH, PROGRESS, PROGRESS, PROGRESS);

    private DoomedEngine() {}

    /** Arguments: instance of the node; {@code counters} or {@code states}; class of the sandboxes. */
    public static void main(String[] arguments) throws InterruptedException {
        AtollNode node = AtollNode.attach(arguments[0], KillPoints.NONE);
        Isolation isolation = Isolation.valueOf(arguments[2]);
        switch (arguments[1]) {
            case "counters" -> counters(node, isolation);
            case "states" -> states(node, isolation);
            default -> throw new IllegalArgumentException(arguments[1]);
        }
        System.out.println(READY);
        Thread.sleep(Duration.ofMinutes(10));
    }

    /** One counter that nobody reads, and one whose output is being read when the engine dies. */
    private static void counters(AtollNode node, Isolation isolation) {
        ProcessSpec counter = ProcessSpec.of(List.of("python3", "-c", COUNT)).withId(COUNTER);
        SandboxId detached = node.create(isolation).id();
        node.engine().processes().startDetached(CALLER, detached, counter.withReader(false, false));
        System.out.println("detached " + detached);
        SandboxId read = node.create(isolation).id();
        var stream = node.engine().processes().start(CALLER, read, counter);
        Thread.ofVirtual().start(() -> drain(stream));
        System.out.println("read " + read);
    }

    private static void drain(ProcessStream stream) {
        Optional<ProcessEvent> event;
        do {
            event = stream.next();
        } while (event.isPresent());
    }

    /** A sandbox in each state that survives, and a snapshot; their files are whole on disk. */
    private static void states(AtollNode node, Isolation isolation) {
        for (String state : List.of("running", "paused", "stopped")) {
            SandboxId id = node.create(isolation).id();
            node.sh(id, Payload.WRITE);
            System.out.println(state + " " + id);
            switch (state) {
                case "paused" -> node.engine().sandboxes().pause(CALLER, id);
                case "stopped" -> node.engine().sandboxes().stop(CALLER, id, Duration.ofSeconds(1));
                default -> System.out.println("snapshot "
                        + node.engine().snapshots().create(CALLER, id, Optional.empty(), Optional.empty()).id());
            }
        }
    }
}
