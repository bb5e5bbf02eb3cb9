package dev.atoll.engine;

import dev.atoll.domain.AtollException;
import dev.atoll.domain.BuildLog;
import dev.atoll.domain.ImageException;
import dev.atoll.domain.ProjectId;
import dev.atoll.domain.Template;
import dev.atoll.domain.UnavailableException;
import dev.atoll.image.registry.ImageReference;
import dev.atoll.image.registry.Registries;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;

/**
 * Images of registries as templates, called by their references. One that was pulled stays; the same
 * reference, asked for again, is that template until somebody wants it anew. Safe from any thread.
 */
final class Images implements AutoCloseable {
    private static final Duration LOOK_UP = Duration.ofMillis(250);

    private final BuildTools tools;
    private final Registries registries;
    private final Map<Key, ImagePull> running = new ConcurrentHashMap<>();

    private record Key(ProjectId project, String reference) {}

    Images(BuildTools tools, Registries registries) {
        this.tools = tools;
        this.registries = registries;
    }

    /** The template that was made of an image before. */
    Optional<Template> find(ProjectId project, ImageReference image) {
        return tools.catalog().find(project, image.toString());
    }

    boolean answers(String registry) {
        return registries.answers(registry);
    }

    /**
     * Asks the registry for the image and makes a template of it, or joins whoever does so already. The
     * template that is there is returned when the registry has no other.
     *
     * @param log is told how it goes on, in pieces of text
     * @param cancelled true ends the waiting, and the pull when nobody else waits
     * @throws ImageException
     */
    Template pull(ProjectId project, ImageReference image, Consumer<byte[]> log, BooleanSupplier cancelled) {
        ImagePull pull = join(new Key(project, image.toString()), image);
        try {
            long offset = 0;
            while (true) {
                BuildLog piece = pull.log().read(offset, LOOK_UP);
                log.accept(piece.bytes());
                offset = piece.next();
                if (piece.ended()) {
                    return pull.ended().join();
                }
                if (cancelled.getAsBoolean()) {
                    throw new UnavailableException("cancelled");
                }
            }
        } catch (CompletionException e) {
            throw e.getCause() instanceof AtollException refused ? again(refused) : e;
        } finally {
            pull.leave();
        }
    }

    /** Several callers get one failure; each throws its own. */
    private static AtollException again(AtollException refused) {
        return refused instanceof ImageException image
                ? new ImageException(image.reason(), String.valueOf(image.getMessage()), image)
                : refused;
    }

    private ImagePull join(Key key, ImageReference image) {
        while (true) {
            var mine = new ImagePull(key.project(), image, tools, registries);
            boolean first = mine.join();
            ImagePull other = running.putIfAbsent(key, mine);
            if (other == null && first) {
                tools.owners().virtualThreads().execute(() -> run(key, mine));
                return mine;
            }
            if (other != null && other.join()) {
                return other;
            }
            // All who waited for it gave up: it ends, and the next is ours.
            running.remove(key, other);
        }
    }

    private void run(Key key, ImagePull pull) {
        try {
            pull.run();
        } finally {
            running.remove(key, pull);
        }
    }

    @Override
    public void close() {
        running.values().forEach(pull -> {
            pull.cancel();
            pull.ended().handle((template, failed) -> true).join();
        });
        registries.close();
    }
}
