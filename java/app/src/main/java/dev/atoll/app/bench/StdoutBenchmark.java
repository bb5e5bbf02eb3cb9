package dev.atoll.app.bench;

import dev.atoll.app.client.Query;
import dev.atoll.app.run.OperatorException;
import java.nio.ByteBuffer;
import java.util.List;

/**
 * A command that writes much more than anybody keeps, to a client that reads a little, stalls, and
 * then reads the rest: the memory of engine and guest must not grow with the output.
 */
final class StdoutBenchmark implements Benchmark {
    private static final long LENGTH = 1L << 30;
    private static final byte MARK = '#';
    private static final long READ_FIRST = 1 << 20;
    private static final long STALL_MILLIS = 5000;
    private static final long LOOK_EVERY_MILLIS = 250;
    private static final double KIB_PER_MIB = 1024;
    private static final double GROWTH_MIB = 64;
    /** The heap of -Xmx256m, and as much again for half of that outside of it: code, classes, stacks, buffers. */
    private static final double ENGINE_MIB = 384;

    /** In KiB; the kernel brings the peak up to date later than what is resident. */
    private record Guest(long resident, long peak) {
        static Guest of(List<String> status) {
            long resident = Memory.field(status, "VmRSS");
            return new Guest(resident, Math.max(resident, Memory.field(status, "VmHWM")));
        }
    }

    @Override
    public String name() {
        return "stdout";
    }

    @Override
    public String work() {
        return "1 GiB of standard output to a reader that stalls for " + STALL_MILLIS / 1000 + " s";
    }

    @Override
    public Result.Measured run(Bench bench) throws InterruptedException {
        Lab lab = bench.lab();
        lab.serve(Bench.DEFAULT_SLOTS);
        try (var connection = lab.connect(); var stream = lab.connect()) {
            Sandbox sandbox = Sandbox.create(connection, Sandbox.request(connection, ""));
            lab.settle(1);
            ProcessHandle engine = lab.engine();
            Guest guestBefore = guest(lab, sandbox);
            Memory.resetPeak(engine);
            long engineBefore = Memory.resident(engine);

            stream.openStream(
                    Query.of("sandboxes", sandbox.id(), "exec"),
                    "{\"argv\":[\"sh\",\"-c\",\"tr '\\\\0' '" + (char) MARK + "' </dev/zero | head -c " + LENGTH + "\"]}");
            long marks = read(stream, READ_FIRST);
            long engineStalled = stall(engine);
            Guest guestStalled = guest(lab, sandbox);
            marks += read(stream, Long.MAX_VALUE);

            long enginePeak = Math.max(engineStalled, Memory.peak(engine));
            long engineAfter = Memory.resident(engine);
            Guest guestAfter = guest(lab, sandbox);
            long guestMost = Math.max(guestStalled.peak, guestAfter.peak);
            sandbox.delete();
            return new Result.Measured(this,
                    List.of(
                            memory("engine before", engineBefore),
                            memory("engine, most while stalled", engineStalled),
                            memory("engine, most", enginePeak),
                            memory("engine after", engineAfter),
                            memory("guest before", guestBefore.resident),
                            memory("guest while stalled", guestStalled.resident),
                            memory("guest, most", guestMost),
                            memory("guest after", guestAfter.resident)),
                    List.of(
                            Verdict.atMost("bytes lost", LENGTH - marks, 0),
                            Verdict.atMost("engine, growth while stalled, MiB", mib(engineStalled - engineBefore), GROWTH_MIB),
                            Verdict.atMost("engine, most, MiB", mib(enginePeak), ENGINE_MIB),
                            Verdict.atMost("guest, growth of its peak, MiB", mib(guestMost - guestBefore.peak), GROWTH_MIB)),
                    List.of("resident memory; the guest's as its sandbox sees it in /proc/1/status, by another exec during the stall"));
        }
    }

    /** @return how many marks came until that many bytes, or all, were read */
    private static long read(HttpConnection stream, long atLeast) {
        long marks = 0;
        for (long bytes = 0; bytes < atLeast; ) {
            ByteBuffer next = stream.read();
            if (!next.hasRemaining()) {
                break;
            }
            bytes += next.remaining();
            while (next.hasRemaining()) {
                if (next.get() == MARK) {
                    marks++;
                }
            }
        }
        return marks;
    }

    /** @return the most that was resident meanwhile */
    private static long stall(ProcessHandle engine) throws InterruptedException {
        long most = 0;
        for (long waited = 0; waited < STALL_MILLIS; waited += LOOK_EVERY_MILLIS) {
            Thread.sleep(LOOK_EVERY_MILLIS);
            most = Math.max(most, Memory.resident(engine));
        }
        return most;
    }

    private static Guest guest(Lab lab, Sandbox sandbox) {
        List<String> status = lab.output(sandbox.id(), "cat", "/proc/1/status").lines().toList();
        if (status.isEmpty()) {
            throw new OperatorException("the sandbox does not see its PID 1");
        }
        return Guest.of(status);
    }

    private static Series memory(String who, long kib) {
        return new Series(who, "MiB", new Sample(mib(kib)));
    }

    private static double mib(long kib) {
        return kib / KIB_PER_MIB;
    }
}
