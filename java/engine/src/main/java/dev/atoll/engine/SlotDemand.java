package dev.atoll.engine;

import dev.atoll.domain.Isolation;
import dev.atoll.domain.LayerId;
import dev.atoll.warden.SlotKind;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** Which kinds of slots a pool keeps. Not safe by itself: the pool holds its lock. */
sealed interface SlotDemand {
    /** A create asked for this kind. @param now of {@link System#nanoTime} */
    void asked(SlotKind kind, long now);

    /** No slot shall have this layer any more. */
    void forget(LayerId layer);

    /** How many slots of each kind to keep, of so many in all. */
    Map<SlotKind, Integer> wanted(int target, long now);

    /** One kind, whatever is asked for. */
    record Only(SlotKind kind) implements SlotDemand {
        @Override
        public void asked(SlotKind asked, long now) {}

        @Override
        public void forget(LayerId layer) {}

        @Override
        public Map<SlotKind, Integer> wanted(int target, long now) {
            return Map.of(kind, target);
        }
    }

    /**
     * Containers with the roots that the last creates asked for. A root that was asked for once only is
     * not worth a slot: it may never be asked for again. A quarter of the slots has none, for everything
     * that was not guessed.
     */
    final class RecentRoots implements SlotDemand {
        private static final int MOST_ROOTS = 4;
        private static final int REMEMBERED = 32;
        private static final int WORTH_IT = 2;
        private static final long FORGOTTEN_NANOS = TimeUnit.MINUTES.toNanos(10);

        private record Asked(int times, long last) {}

        /** The latest last. */
        private final LinkedHashMap<SlotKind, Asked> roots = new LinkedHashMap<>();

        @Override
        public void asked(SlotKind kind, long now) {
            if (kind.isolation() != Isolation.CONTAINER || kind.layers().isEmpty()) {
                return;
            }
            Asked before = roots.remove(kind);
            int times = before == null || now - before.last() > FORGOTTEN_NANOS ? 0 : before.times();
            roots.put(kind, new Asked(times + 1, now));
            if (roots.size() > REMEMBERED) {
                roots.pollFirstEntry();
            }
        }

        @Override
        public void forget(LayerId layer) {
            roots.keySet().removeIf(kind -> kind.layers().contains(layer));
        }

        @Override
        public Map<SlotKind, Integer> wanted(int target, long now) {
            List<SlotKind> worth = new ArrayList<>();
            for (var root : roots.reversed().entrySet()) {
                Asked how = root.getValue();
                if (worth.size() < MOST_ROOTS && how.times() >= WORTH_IT && now - how.last() < FORGOTTEN_NANOS) {
                    worth.add(root.getKey());
                }
            }
            var wanted = new LinkedHashMap<SlotKind, Integer>();
            int without = worth.isEmpty() ? target : Math.max(1, target / 4);
            int left = Math.max(0, target - without);
            for (int i = 0; i < worth.size(); i++) {
                int share = Math.ceilDiv(left, worth.size() - i);
                wanted.put(worth.get(i), share);
                left -= share;
            }
            wanted.put(SlotKind.CONTAINER, Math.min(without, target));
            return wanted;
        }
    }
}
