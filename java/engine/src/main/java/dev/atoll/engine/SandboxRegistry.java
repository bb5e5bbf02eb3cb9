package dev.atoll.engine;

import dev.atoll.domain.Caller;
import dev.atoll.domain.ConflictException;
import dev.atoll.domain.InvalidFieldException;
import dev.atoll.domain.LayerId;
import dev.atoll.domain.NotFoundException;
import dev.atoll.domain.Page;
import dev.atoll.domain.ProjectId;
import dev.atoll.domain.Sandbox;
import dev.atoll.domain.SandboxId;
import dev.atoll.domain.SandboxQuery;
import dev.atoll.domain.SandboxState;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The owners of all living sandboxes, by id, by name and by the key of the create. Names are taken
 * here before anything is written, so that two creates of one name cannot both get as far as a disk.
 * Safe from any thread.
 */
final class SandboxRegistry {
    private record Key(ProjectId project, String value) {}

    private static final Comparator<Sandbox> NEWEST_FIRST = Comparator.comparing(Sandbox::createdAt)
            .reversed()
            .thenComparing(s -> s.id().value());

    private final Map<SandboxId, SandboxOwner> owners = new ConcurrentHashMap<>();
    private final Map<Key, SandboxId> names = new ConcurrentHashMap<>();
    private final Map<Key, SandboxOwner> idempotencyKeys = new ConcurrentHashMap<>();

    /** @throws ConflictException when a living sandbox of the project has the name */
    void takeName(ProjectId project, String name, SandboxId id) {
        SandboxId holder = names.putIfAbsent(new Key(project, name), id);
        if (holder != null && !holder.equals(id)) {
            throw new ConflictException("a sandbox named '" + name + "' exists already: " + holder);
        }
    }

    /** Frees a name if this sandbox holds it. */
    void freeName(ProjectId project, String name, SandboxId id) {
        names.remove(new Key(project, name), id);
    }

    /** Whose create a key stands for: {@code owner}'s, or an earlier one's, which may be under way. */
    SandboxOwner takeIdempotencyKey(ProjectId project, String key, SandboxOwner owner) {
        SandboxOwner holder = idempotencyKeys.putIfAbsent(new Key(project, key), owner);
        return holder == null ? owner : holder;
    }

    void freeIdempotencyKey(ProjectId project, String key, SandboxOwner owner) {
        idempotencyKeys.remove(new Key(project, key), owner);
    }

    void add(SandboxOwner owner) {
        owners.put(owner.id(), owner);
    }

    void remove(SandboxOwner owner) {
        owners.remove(owner.id(), owner);
    }

    Optional<SandboxOwner> find(SandboxId id) {
        return Optional.ofNullable(owners.get(id));
    }

    /** @throws NotFoundException when there is none, it is being deleted, or it is another project's */
    SandboxOwner require(Caller caller, SandboxId id) {
        return find(id)
                .filter(owner -> owner.project().equals(caller.project()) && !owner.isDeleted())
                .orElseThrow(() -> new NotFoundException("sandbox", id.value()));
    }

    Optional<SandboxOwner> findByName(ProjectId project, String name) {
        return Optional.ofNullable(names.get(new Key(project, name)))
                .flatMap(this::find)
                .filter(owner -> !owner.isDeleted());
    }

    Collection<SandboxOwner> all() {
        return owners.values();
    }

    /** What the sandboxes stand on. */
    Set<LayerId> layers() {
        return owners.values().stream().flatMap(owner -> owner.record().layers().stream()).collect(Collectors.toSet());
    }

    int count(SandboxState state) {
        return (int) owners.values().stream().filter(owner -> owner.state() == state).count();
    }

    Page<Sandbox> list(ProjectId project, SandboxQuery query) {
        List<Sandbox> matching = owners.values().stream()
                .map(SandboxOwner::view)
                .filter(s -> s.project().equals(project) && matches(s, query))
                .sorted(NEWEST_FIRST)
                .toList();
        Stream<Sandbox> rest = matching.stream();
        if (query.cursor().isPresent()) {
            Cursor after = Cursor.parse(query.cursor().get());
            rest = rest.filter(after::isBefore);
        }
        List<Sandbox> page = rest.limit(query.limit() + 1L).toList();
        boolean more = page.size() > query.limit();
        List<Sandbox> items = more ? page.subList(0, query.limit()) : page;
        Optional<String> next = more ? Optional.of(Cursor.of(items.getLast()).text()) : Optional.empty();
        return new Page<>(items, next, matching.size());
    }

    private static boolean matches(Sandbox sandbox, SandboxQuery query) {
        return sandbox.state() != SandboxState.DELETED
                && (query.states().isEmpty() || query.states().contains(sandbox.state()))
                && query.createdBefore().map(sandbox.createdAt()::isBefore).orElse(true)
                && query.namePrefix().map(sandbox.name()::startsWith).orElse(true)
                && sandbox.labels().entrySet().containsAll(query.labels().entrySet());
    }

    /** Where a page ended: the last sandbox's place in the order, not its index, so that nothing is shown twice. */
    private record Cursor(long createdSeconds, int createdNanos, String id) {
        static Cursor of(Sandbox sandbox) {
            return new Cursor(
                    sandbox.createdAt().getEpochSecond(), sandbox.createdAt().getNano(), sandbox.id().value());
        }

        static Cursor parse(String text) {
            String[] parts = text.split("_", -1);
            try {
                if (parts.length == 3) {
                    return new Cursor(Long.parseLong(parts[0]), Integer.parseInt(parts[1]), parts[2]);
                }
            } catch (NumberFormatException e) {
                throw refused(text);
            }
            throw refused(text);
        }

        private static InvalidFieldException refused(String text) {
            return new InvalidFieldException("cursor", text, "what an earlier page gave as next");
        }

        String text() {
            return createdSeconds + "_" + createdNanos + "_" + id;
        }

        boolean isBefore(Sandbox sandbox) {
            int byTime = Comparator.comparingLong(Cursor::createdSeconds)
                    .thenComparingInt(Cursor::createdNanos)
                    .compare(of(sandbox), this);
            return byTime < 0 || (byTime == 0 && sandbox.id().value().compareTo(id) > 0);
        }
    }
}
