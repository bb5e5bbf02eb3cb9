package dev.atoll.app.run;

import java.io.PrintStream;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;

/**
 * Keeps the warden and the engine running: starts them (or takes over those that run), restarts the
 * one that ends, and ends them in reverse. {@link #run} is for one thread; {@link #stop} for any.
 */
final class Supervisor {
    private static final Duration FIRST_PAUSE = Duration.ofMillis(100);
    private static final Duration LONGEST_PAUSE = Duration.ofSeconds(10);
    /** A program that ran this long is not failing at its start. */
    private static final Duration STEADY = Duration.ofSeconds(30);

    private sealed interface Event {
        record Ended(Program program, long startedNanos) implements Event {}

        record Stop() implements Event {}
    }

    private final List<Program> programs;
    private final PrintStream log;
    private final LinkedBlockingQueue<Event> events = new LinkedBlockingQueue<>();
    private final CountDownLatch stopped = new CountDownLatch(1);
    private Duration pause = FIRST_PAUSE;

    /** @param programs in the order of their start */
    Supervisor(List<Program> programs, PrintStream log) {
        this.programs = List.copyOf(programs);
        this.log = log;
    }

    /**
     * Returns after {@link #stop}.
     *
     * @param ready runs once, when all programs serve
     * @param beforeStop runs once, while all programs still serve
     * @param afterStop runs once, when all have ended
     * @throws OperatorException when one cannot be started at first; those that were are ended
     */
    void run(Runnable ready, Runnable beforeStop, Runnable afterStop) throws InterruptedException {
        try {
            serve(ready, beforeStop);
            afterStop.run();
        } finally {
            stopped.countDown();
        }
    }

    private void serve(Runnable ready, Runnable beforeStop) throws InterruptedException {
        try {
            programs.forEach(program -> watch(program, program.running().orElseGet(() -> {
                program.stop();
                return program.start();
            })));
            ready.run();
            while (events.take() instanceof Event.Ended ended) {
                restart(ended);
            }
            beforeStop.run();
        } finally {
            programs.reversed().forEach(Program::stop);
        }
    }

    /** Makes {@link #run} end and waits for it. */
    void stop() {
        events.add(new Event.Stop());
        try {
            stopped.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void watch(Program program, ProcessHandle process) {
        long started = System.nanoTime();
        process.onExit().thenRun(() -> events.add(new Event.Ended(program, started)));
    }

    private void restart(Event.Ended ended) throws InterruptedException {
        boolean steady = System.nanoTime() - ended.startedNanos() > STEADY.toNanos();
        pause = steady ? FIRST_PAUSE : pause;
        log.println("the " + ended.program().name() + " ended; starting it again in " + pause.toMillis() + " ms");
        Thread.sleep(pause);
        pause = pause.multipliedBy(2).compareTo(LONGEST_PAUSE) > 0 ? LONGEST_PAUSE : pause.multipliedBy(2);
        long started = System.nanoTime();
        try {
            watch(ended.program(), ended.program().start());
            log.println("the " + ended.program().name() + " serves again");
        } catch (OperatorException again) {
            log.println(again.getMessage());
            events.add(new Event.Ended(ended.program(), started));
        }
    }
}
