package dev.atoll.engine;

import dev.atoll.domain.AtollException;
import dev.atoll.domain.LayerId;
import dev.atoll.warden.Layer;
import dev.atoll.warden.Warden;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Knows from all who use them which layers of the pool are needed, and removes those that nobody does.
 * Layers are shared: by templates of one build, by sandboxes, snapshots and kept steps.
 */
final class LayerCare {
    private static final Logger LOG = LoggerFactory.getLogger(LayerCare.class);

    private final Warden warden;
    private final WarmPools warm;
    private final List<Supplier<? extends Collection<LayerId>>> users = new CopyOnWriteArrayList<>();

    LayerCare(Warden warden, WarmPools warm) {
        this.warden = warden;
        this.warm = warm;
    }

    /** @param layers names, whenever it is asked, all that it uses, and what it is about to make */
    void add(Supplier<? extends Collection<LayerId>> layers) {
        users.add(layers);
    }

    Set<LayerId> used() {
        Set<LayerId> used = new HashSet<>();
        users.forEach(user -> used.addAll(user.get()));
        return used;
    }

    /** Removes those of the pool that are not used; returns the bytes that they took. What fails is left for the next time. */
    long removeUnused() {
        // The pool is read first: what is made meanwhile is not in the list.
        List<Layer> found = warden.listAll().layers();
        Set<LayerId> used = used();
        return found.stream()
                .filter(layer -> layer.name().isEmpty() && !used.contains(layer.id()))
                .mapToLong(this::remove)
                .sum();
    }

    private long remove(Layer layer) {
        try {
            warm.forget(layer.id());
            warden.deleteLayer(layer.id());
            return layer.bytes();
        } catch (AtollException e) {
            LOG.warn("layer {} could not be removed: {}", layer.id(), e.getMessage());
            return 0;
        }
    }
}
