package dev.atoll.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.atoll.domain.ConflictException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class MailboxTest {
    private final Mailbox mailbox = new Mailbox("test");

    @Test
    void runsOneAtATimeInTheOrderTheyCame() throws Exception {
        var gate = new CountDownLatch(1);
        var inside = new AtomicInteger();
        var order = new ArrayList<Integer>();
        CompletableFuture<?> blocked = mailbox.submit(() -> {
            gate.await();
            return 0;
        });
        List<CompletableFuture<Integer>> tasks = IntStream.range(0, 1000)
                .mapToObj(i -> mailbox.submit(() -> {
                    assertThat(inside.incrementAndGet()).isEqualTo(1);
                    order.add(i);
                    inside.decrementAndGet();
                    return i;
                }))
                .toList();
        assertThat(blocked).isNotDone();
        gate.countDown();
        tasks.forEach(CompletableFuture::join);
        assertThat(order).containsExactlyElementsOf(IntStream.range(0, 1000).boxed().toList());
    }

    @Test
    void aFailureIsTheCallersAndTheNextTaskRuns() {
        assertThatThrownBy(() -> mailbox.call(() -> {
                    throw new ConflictException("taken");
                }))
                .isInstanceOf(ConflictException.class);
        assertThat(mailbox.<String>call(() -> "next")).isEqualTo("next");
    }

    @Test
    void anInterruptedCallerStillSeesTheTaskThrough() throws Exception {
        var entered = new CountDownLatch(1);
        var gate = new CountDownLatch(1);
        var seen = new CompletableFuture<Boolean>();
        Thread caller = Thread.ofVirtual().start(() -> {
            String result = mailbox.call(() -> {
                entered.countDown();
                gate.await();
                return "done";
            });
            seen.complete(result.equals("done") && Thread.currentThread().isInterrupted());
        });
        entered.await();
        caller.interrupt();
        gate.countDown();
        assertThat(seen.join()).isTrue();
    }
}
