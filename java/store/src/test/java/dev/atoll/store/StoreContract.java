package dev.atoll.store;

import static dev.atoll.store.Samples.ALPHA;
import static dev.atoll.store.Samples.BETA;
import static dev.atoll.store.Samples.NOON;
import static dev.atoll.store.Samples.id;
import static dev.atoll.store.Samples.inState;
import static dev.atoll.store.Samples.sandbox;
import static dev.atoll.store.Samples.sandboxId;
import static dev.atoll.store.Samples.snapshot;
import static dev.atoll.store.Samples.template;
import static dev.atoll.store.Samples.withKey;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.atoll.domain.ConflictException;
import dev.atoll.domain.InvalidFieldException;
import dev.atoll.domain.LayerId;
import dev.atoll.domain.NotFoundException;
import dev.atoll.domain.Page;
import dev.atoll.domain.ProjectId;
import dev.atoll.domain.SandboxQuery;
import dev.atoll.domain.SandboxState;
import dev.atoll.domain.Secret;
import dev.atoll.domain.SecretId;
import dev.atoll.domain.SnapshotId;
import dev.atoll.domain.TemplateId;
import dev.atoll.domain.Volume;
import dev.atoll.domain.VolumeId;
import java.time.Instant;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What every implementation of {@link Store} does. */
abstract class StoreContract {
    private Store store;

    /** Opens the store of this test, the same one each time. */
    abstract Store open();

    @BeforeEach
    void openStore() {
        store = open();
    }

    @AfterEach
    void closeStore() {
        store.close();
    }

    private void reopen() {
        store.close();
        store = open();
    }

    // --- sandboxes ----------------------------------------------------------------------------

    @Test
    void a_sandbox_comes_back_as_it_was_written() {
        SandboxRecord record = withKey(sandbox(1, "one"), "key");

        assertThat(store.sandboxes().insert(record)).isEqualTo(record);

        reopen();
        assertThat(store.sandboxes().get(sandboxId(1))).contains(record);
        assertThat(store.sandboxes().findByName(ALPHA, "one")).contains(record);
        assertThat(store.sandboxes().findByIdempotencyKey(ALPHA, "key")).contains(record);
        assertThat(store.sandboxes().living()).containsExactly(record);
    }

    @Test
    void empty_fields_come_back_empty() {
        SandboxRecord record = inState(sandbox(1, "one"), SandboxState.STOPPED).withSlot(Optional.empty());

        store.sandboxes().insert(record);

        assertThat(store.sandboxes().get(sandboxId(1))).contains(record);
    }

    @Test
    void an_update_replaces_the_whole_record() {
        store.sandboxes().insert(sandbox(1, "one"));
        SandboxRecord changed = inState(sandbox(1, "other"), SandboxState.PAUSED).withSlot(Optional.empty());

        store.sandboxes().update(changed);

        assertThat(store.sandboxes().get(sandboxId(1))).contains(changed);
    }

    @Test
    void an_update_of_nothing_is_not_found() {
        assertThatExceptionOfType(NotFoundException.class)
                .isThrownBy(() -> store.sandboxes().update(sandbox(1, "one")));
    }

    @Test
    void a_name_belongs_to_one_living_sandbox_of_a_project() {
        store.sandboxes().insert(sandbox(1, "one"));

        assertThatExceptionOfType(ConflictException.class)
                .isThrownBy(() -> store.sandboxes().insert(sandbox(2, "one")))
                .withMessageContaining("one");
        store.sandboxes().insert(sandbox(3, "one", BETA, Map.of(), SandboxState.RUNNING));
        store.sandboxes().update(inState(sandbox(1, "one"), SandboxState.DELETED));
        store.sandboxes().insert(sandbox(4, "one"));

        assertThat(store.sandboxes().findByName(ALPHA, "one").orElseThrow().sandbox().id())
                .isEqualTo(sandboxId(4));
        assertThat(store.sandboxes().get(sandboxId(2))).isEmpty();
    }

    @Test
    void an_update_cannot_take_a_name_that_is_taken() {
        store.sandboxes().insert(sandbox(1, "one"));
        store.sandboxes().insert(sandbox(2, "two"));

        assertThatExceptionOfType(ConflictException.class)
                .isThrownBy(() -> store.sandboxes().update(sandbox(2, "one")));
        assertThat(store.sandboxes().get(sandboxId(2)).orElseThrow().sandbox().name()).isEqualTo("two");
    }

    @Test
    void an_idempotency_key_gives_the_first_record_back() {
        SandboxRecord first = withKey(sandbox(1, "one"), "key");
        store.sandboxes().insert(first);

        assertThat(store.sandboxes().insert(withKey(sandbox(2, "two"), "key"))).isEqualTo(first);
        assertThat(store.sandboxes().get(sandboxId(2))).isEmpty();

        SandboxRecord other = withKey(sandbox(3, "x", BETA, Map.of(), SandboxState.RUNNING), "key");
        assertThat(store.sandboxes().insert(other)).isEqualTo(other);
    }

    @Test
    void of_concurrent_inserts_of_one_name_one_wins() throws Exception {
        List<Callable<Boolean>> inserts = new ArrayList<>();
        for (int i = 1; i <= 20; i++) {
            SandboxRecord record = sandbox(i, "contended");
            inserts.add(() -> {
                try {
                    store.sandboxes().insert(record);
                    return true;
                } catch (ConflictException e) {
                    return false;
                }
            });
        }
        int won = 0;
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            for (Future<Boolean> insert : threads.invokeAll(inserts)) {
                won += insert.get() ? 1 : 0;
            }
        }

        assertThat(won).isEqualTo(1);
        assertThat(store.sandboxes().living()).hasSize(1);
    }

    @Test
    void a_list_is_newest_first_in_pages_that_miss_and_repeat_nothing() {
        for (int i = 1; i <= 7; i++) {
            store.sandboxes().insert(sandbox(i, "s" + i));
        }
        store.sandboxes().insert(sandbox(8, "foreign", BETA, Map.of(), SandboxState.RUNNING));
        store.sandboxes().insert(sandbox(9, "gone", ALPHA, Map.of(), SandboxState.DELETED));

        List<String> names = new ArrayList<>();
        Optional<String> cursor = Optional.empty();
        int pages = 0;
        do {
            Page<SandboxRecord> page = store.sandboxes()
                    .list(ALPHA, new SandboxQuery(Map.of(), Set.of(), Optional.empty(), 3, cursor));
            assertThat(page.total()).isEqualTo(7);
            page.items().forEach(record -> names.add(record.sandbox().name()));
            cursor = page.next();
            pages++;
        } while (cursor.isPresent());

        assertThat(names).containsExactly("s7", "s6", "s5", "s4", "s3", "s2", "s1");
        assertThat(pages).isEqualTo(3);
    }

    @Test
    void a_list_is_narrowed_by_labels_states_and_name_prefix() {
        store.sandboxes().insert(sandbox(1, "a-1", ALPHA, Map.of("x", "1", "y", "2"), SandboxState.RUNNING));
        store.sandboxes().insert(sandbox(2, "a-2", ALPHA, Map.of("x", "1"), SandboxState.STOPPED));
        store.sandboxes().insert(sandbox(3, "b%_", ALPHA, Map.of("x", "2"), SandboxState.RUNNING));
        store.sandboxes().insert(sandbox(4, "z", ALPHA, Map.of(), SandboxState.DELETED));

        assertThat(names(Map.of("x", "1"), Set.of(), Optional.empty())).containsExactly("a-2", "a-1");
        assertThat(names(Map.of("x", "1", "y", "2"), Set.of(), Optional.empty())).containsExactly("a-1");
        assertThat(names(Map.of(), Set.of(SandboxState.RUNNING), Optional.empty())).containsExactly("b%_", "a-1");
        assertThat(names(Map.of(), Set.of(SandboxState.DELETED), Optional.empty())).containsExactly("z");
        assertThat(names(Map.of(), Set.of(), Optional.of("a-"))).containsExactly("a-2", "a-1");
        assertThat(names(Map.of(), Set.of(), Optional.of("b%"))).containsExactly("b%_");
        assertThat(names(Map.of(), Set.of(), Optional.of("%"))).isEmpty();
    }

    private List<String> names(Map<String, String> labels, Set<SandboxState> states, Optional<String> prefix) {
        return store.sandboxes()
                .list(ALPHA, new SandboxQuery(labels, states, prefix, 10, Optional.empty()))
                .items()
                .stream()
                .map(record -> record.sandbox().name())
                .toList();
    }

    @Test
    void a_cursor_of_nobody_names_its_field() {
        for (String cursor : List.of("", ".", "x", "1." + id(1).toUpperCase(java.util.Locale.ROOT) + "g", "!.1")) {
            assertThatExceptionOfType(InvalidFieldException.class)
                    .isThrownBy(() -> store.sandboxes()
                            .list(ALPHA, new SandboxQuery(Map.of(), Set.of(), Optional.empty(), 3, Optional.of(cursor))))
                    .satisfies(e -> assertThat(e.field()).isEqualTo("cursor"));
        }
    }

    @Test
    void activity_never_goes_back() {
        store.sandboxes().insert(sandbox(1, "one"));
        Instant later = NOON.plusSeconds(100);

        store.sandboxes().touch(Map.of(sandboxId(1), later, sandboxId(2), later));
        store.sandboxes().touch(Map.of(sandboxId(1), NOON));

        assertThat(store.sandboxes().get(sandboxId(1)).orElseThrow().sandbox().lastActivity()).isEqualTo(later);
    }

    @Test
    void a_purge_drops_what_was_deleted_before() {
        store.sandboxes().insert(withKey(sandbox(1, "one", ALPHA, Map.of(), SandboxState.DELETED), "key"));
        store.sandboxes().insert(sandbox(2, "two"));

        assertThat(store.sandboxes().purgeDeleted(NOON)).isZero();
        assertThat(store.sandboxes().purgeDeleted(NOON.plusSeconds(60))).isEqualTo(1);
        assertThat(store.sandboxes().findByIdempotencyKey(ALPHA, "key")).isEmpty();
        assertThat(store.sandboxes().living()).hasSize(1);
    }

    @Test
    void a_list_holds_ended_ones_when_asked_and_only_those_made_before() {
        Set<SandboxState> any = Set.of();
        store.sandboxes().insert(sandbox(1, "ended", ALPHA, Map.of("app", "x"), SandboxState.DELETED));
        store.sandboxes().insert(inState(sandbox(2, "never-was"), SandboxState.DELETED));
        store.sandboxes().insert(sandbox(3, "lives", ALPHA, Map.of("app", "x"), SandboxState.RUNNING));

        assertThat(names(new SandboxQuery(Map.of(), any, Optional.empty(), Optional.empty(), true, 10, Optional.empty())))
                .containsExactly("lives", "ended");
        assertThat(names(new SandboxQuery(
                        Map.of("app", "x"), any, Optional.empty(), Optional.of(NOON.plusSeconds(3)), true, 10,
                        Optional.empty())))
                .containsExactly("ended");
        assertThat(names(new SandboxQuery(Map.of(), any, Optional.empty(), 10, Optional.empty())))
                .containsExactly("lives");
    }

    private List<String> names(SandboxQuery query) {
        return store.sandboxes().list(ALPHA, query).items().stream()
                .map(record -> record.sandbox().name())
                .toList();
    }

    // --- snapshots ----------------------------------------------------------------------------

    @Test
    void a_snapshot_comes_back_as_it_was_written() {
        SnapshotRecord record = snapshot(1, "snap", Optional.of(NOON.plusSeconds(9)));
        store.snapshots().insert(record);

        reopen();
        assertThat(store.snapshots().get(new SnapshotId(id(1)))).contains(record);
        assertThat(store.snapshots().findByName(ALPHA, "snap")).contains(record);

        store.snapshots().update(record.withState(MakeState.DELETING));
        assertThat(store.snapshots().all()).containsExactly(record.withState(MakeState.DELETING));

        store.snapshots().delete(new SnapshotId(id(1)));
        store.snapshots().delete(new SnapshotId(id(1)));
        assertThat(store.snapshots().all()).isEmpty();
        assertThatExceptionOfType(NotFoundException.class)
                .isThrownBy(() -> store.snapshots().update(record));
    }

    @Test
    void snapshots_are_listed_newest_first_and_names_are_unique() {
        store.snapshots().insert(snapshot(1, "a", Optional.empty()));
        store.snapshots().insert(snapshot(2, "b", Optional.empty()));

        assertThat(store.snapshots().list(ALPHA)).extracting(r -> r.snapshot().name()).containsExactly("b", "a");
        assertThat(store.snapshots().list(BETA)).isEmpty();
        assertThatExceptionOfType(ConflictException.class)
                .isThrownBy(() -> store.snapshots().insert(snapshot(3, "a", Optional.empty())));
    }

    @Test
    void only_ready_snapshots_expire() {
        Instant soon = NOON.plusSeconds(1);
        store.snapshots().insert(snapshot(1, "a", Optional.of(soon)));
        store.snapshots().insert(snapshot(2, "b", Optional.of(soon)).withState(MakeState.MAKING));
        store.snapshots().insert(snapshot(3, "c", Optional.empty()));
        store.snapshots().insert(snapshot(4, "d", Optional.of(Instant.MAX)));

        assertThat(store.snapshots().expired(NOON)).isEmpty();
        assertThat(store.snapshots().expired(soon)).extracting(r -> r.snapshot().name()).containsExactly("a");
    }

    // --- templates ----------------------------------------------------------------------------

    @Test
    void a_template_comes_back_as_it_was_put() {
        TemplateRecord record = template(1, "base", Optional.empty());
        store.templates().put(record);

        reopen();
        assertThat(store.templates().get(new TemplateId(id(1)))).contains(record);

        TemplateRecord renamed = template(1, "base2", Optional.of(ALPHA));
        store.templates().put(renamed);
        assertThat(store.templates().all()).containsExactly(renamed);

        store.templates().delete(new TemplateId(id(1)));
        assertThat(store.templates().all()).isEmpty();
    }

    @Test
    void a_projects_own_template_hides_the_built_in_one_of_the_name() {
        TemplateRecord builtIn = template(1, "base", Optional.empty());
        TemplateRecord own = template(2, "base", Optional.of(ALPHA));
        store.templates().put(builtIn);
        store.templates().put(own);

        assertThat(store.templates().findByName(ALPHA, "base")).contains(own);
        assertThat(store.templates().findByName(BETA, "base")).contains(builtIn);
        assertThat(store.templates().list(ALPHA)).containsExactly(own, builtIn);
        assertThat(store.templates().list(BETA)).containsExactly(builtIn);
        assertThatExceptionOfType(ConflictException.class)
                .isThrownBy(() -> store.templates().put(template(3, "base", Optional.empty())));
    }

    // --- keys ---------------------------------------------------------------------------------

    @Test
    void a_key_is_revoked_once() {
        KeyRecord key = new KeyRecord("k1", ALPHA, "mine", "ab".repeat(32), true, NOON, Optional.empty());
        store.keys().insert(key);

        reopen();
        assertThat(store.keys().get("k1")).contains(key);
        assertThat(store.keys().findByHash("ab".repeat(32))).contains(key);
        assertThat(store.keys().findByHash("cd".repeat(32))).isEmpty();

        assertThat(store.keys().revoke("k1", NOON.plusSeconds(1))).isTrue();
        assertThat(store.keys().revoke("k1", NOON.plusSeconds(2))).isTrue();
        assertThat(store.keys().revoke("k2", NOON)).isFalse();
        assertThat(store.keys().get("k1").orElseThrow().revokedAt()).contains(NOON.plusSeconds(1));
    }

    @Test
    void keys_are_listed_by_project() {
        KeyRecord one = new KeyRecord("k1", ALPHA, "a", "ab".repeat(32), false, NOON, Optional.empty());
        KeyRecord two = new KeyRecord("k2", BETA, "b", "cd".repeat(32), false, NOON.plusSeconds(1), Optional.empty());
        store.keys().insert(two);
        store.keys().insert(one);

        assertThat(store.keys().list(Optional.empty())).containsExactly(one, two);
        assertThat(store.keys().list(Optional.of(BETA))).containsExactly(two);
        assertThatExceptionOfType(ConflictException.class)
                .isThrownBy(() -> store.keys()
                        .insert(new KeyRecord("k3", ALPHA, "c", "ab".repeat(32), false, NOON, Optional.empty())));
    }

    // --- usage --------------------------------------------------------------------------------

    @Test
    void usage_adds_up_per_sandbox_and_per_project_and_day() {
        LocalDate today = LocalDate.of(2026, 11, 24);
        Counters counters = new Counters(1, 2L << 40, 3, 4, 5, 6);
        UsageStore.Increment one = new UsageStore.Increment(sandboxId(1), ALPHA, today, counters);
        UsageStore.Increment two = new UsageStore.Increment(sandboxId(2), ALPHA, today.plusDays(1), counters);

        store.usage().add(List.of(one, one, two));
        store.usage().add(List.of());

        reopen();
        assertThat(store.usage().ofSandbox(sandboxId(1))).isEqualTo(counters.plus(counters));
        assertThat(store.usage().ofSandbox(sandboxId(9))).isEqualTo(Counters.ZERO);
        assertThat(store.usage().ofProject(ALPHA, today, today.plusDays(1)))
                .containsExactly(
                        new UsageStore.Day(today, counters.plus(counters)),
                        new UsageStore.Day(today.plusDays(1), counters));
        assertThat(store.usage().ofProject(ALPHA, today.plusDays(1), today.plusDays(9))).hasSize(1);

        store.usage().add(List.of(new UsageStore.Increment(sandboxId(3), BETA, today, counters)));
        assertThat(store.usage().ofAll(today, today.plusDays(1)))
                .extracting(day -> day.project() + " " + day.used().day())
                .containsExactly("alpha " + today, "beta " + today, "alpha " + today.plusDays(1));

        store.usage().forget(sandboxId(1));
        assertThat(store.usage().ofSandbox(sandboxId(1))).isEqualTo(Counters.ZERO);
        assertThat(store.usage().ofProject(ALPHA, today, today)).hasSize(1);
    }

    // --- the store itself ---------------------------------------------------------------------

    @Test
    void concurrent_writers_and_readers_see_their_own_writes() throws Exception {
        List<Callable<Boolean>> tasks = new ArrayList<>();
        for (int i = 1; i <= 200; i++) {
            SandboxRecord record = sandbox(i, "n" + i);
            tasks.add(() -> {
                store.sandboxes().insert(record);
                return store.sandboxes().get(record.sandbox().id()).equals(Optional.of(record));
            });
        }
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            for (Future<Boolean> task : threads.invokeAll(tasks)) {
                assertThat(task.get()).isTrue();
            }
        }
        assertThat(store.sandboxes().living()).hasSize(200);
    }

    @Test
    void a_closed_store_refuses() {
        store.close();
        store.close();

        assertThatExceptionOfType(IllegalStateException.class)
                .isThrownBy(() -> store.sandboxes().living());
        assertThatExceptionOfType(IllegalStateException.class)
                .isThrownBy(() -> store.sandboxes().insert(sandbox(1, "one")));
    }

    // --- secrets ------------------------------------------------------------------------------

    private static SecretRecord secret(int number, Optional<String> name, Optional<Instant> expiresAt) {
        return new SecretRecord(
                new Secret(new SecretId(id(number)), ALPHA, name, Set.of("A", "B"), NOON, NOON.plusSeconds(1), expiresAt),
                "c2VhbGVk" + number);
    }

    @Test
    void a_secret_comes_back_as_it_was_written_and_is_replaced_by_its_id() {
        SecretRecord named = secret(1, Optional.of("db"), Optional.empty());
        store.secrets().put(named);
        SecretRecord changed = new SecretRecord(named.secret(), "b3RoZXI=");
        store.secrets().put(changed);

        reopen();
        assertThat(store.secrets().get(new SecretId(id(1)))).contains(changed);
        assertThat(store.secrets().findByName(ALPHA, "db")).contains(changed);
        assertThat(store.secrets().findByName(BETA, "db")).isEmpty();
    }

    @Test
    void the_name_of_a_secret_is_unique_and_no_name_never_collides() {
        store.secrets().put(secret(1, Optional.of("db"), Optional.empty()));
        store.secrets().put(secret(2, Optional.empty(), Optional.of(NOON)));
        store.secrets().put(secret(3, Optional.empty(), Optional.of(NOON)));

        assertThatExceptionOfType(ConflictException.class)
                .isThrownBy(() -> store.secrets().put(secret(4, Optional.of("db"), Optional.empty())))
                .withMessageContaining("db");
        assertThat(store.secrets().named(ALPHA)).extracting(r -> r.secret().id().value()).containsExactly(id(1));
    }

    @Test
    void expired_secrets_are_purged_and_others_stay() {
        store.secrets().put(secret(1, Optional.of("db"), Optional.empty()));
        store.secrets().put(secret(2, Optional.empty(), Optional.of(NOON)));
        store.secrets().put(secret(3, Optional.empty(), Optional.of(NOON.plusNanos(1))));

        assertThat(store.secrets().purgeExpired(NOON)).isEqualTo(1);

        assertThat(store.secrets().get(new SecretId(id(2)))).isEmpty();
        assertThat(store.secrets().get(new SecretId(id(3)))).isPresent();
        store.secrets().delete(new SecretId(id(1)));
        store.secrets().delete(new SecretId(id(1)));
        assertThat(store.secrets().get(new SecretId(id(1)))).isEmpty();
    }

    // --- steps of builds ----------------------------------------------------------------------

    @Test
    void steps_of_builds_come_back_longest_unused_first() {
        var first = new BuildStepRecord(
                "k1", ALPHA, new SnapshotId(id(1)), List.of(new LayerId(id(7))), Optional.empty(), 10, NOON);
        var second = new BuildStepRecord(
                "k2", ALPHA, new SnapshotId(id(2)), List.of(), Optional.of(new LayerId(id(3))), 20, NOON);
        store.buildSteps().put(first);
        store.buildSteps().put(second);
        store.buildSteps().touch(List.of("k1", "gone"), NOON.plusSeconds(5));
        store.buildSteps().touch(List.of("k1"), NOON);

        reopen();
        assertThat(store.buildSteps().all()).extracting(BuildStepRecord::key).containsExactly("k2", "k1");
        assertThat(store.buildSteps().get("k2")).contains(second);
        BuildStepRecord used = store.buildSteps().get("k1").orElseThrow();
        assertThat(used.lastUsed()).isEqualTo(NOON.plusSeconds(5));
        store.buildSteps().put(used.withLayer(Optional.of(new LayerId(id(9)))));
        assertThat(store.buildSteps().get("k1").orElseThrow().layer()).contains(new LayerId(id(9)));
        store.buildSteps().delete("k1");
        assertThat(store.buildSteps().get("k1")).isEmpty();
    }

    // --- volumes and archives -----------------------------------------------------------------

    @Test
    void a_volumes_name_is_its_projects_own_and_its_row_follows_its_making() {
        var data = volume(1, ALPHA, "data");
        store.volumes().insert(data.withState(MakeState.MAKING));
        store.volumes().insert(volume(2, BETA, "data"));
        assertThatExceptionOfType(ConflictException.class)
                .isThrownBy(() -> store.volumes().insert(volume(3, ALPHA, "data")));
        store.volumes().update(data);

        reopen();
        assertThat(store.volumes().all()).containsExactly(data, volume(2, BETA, "data"));
        store.volumes().delete(data.volume().id());
        store.volumes().delete(data.volume().id());
        assertThat(store.volumes().all()).containsExactly(volume(2, BETA, "data"));
    }

    private static VolumeRecord volume(int number, ProjectId project, String name) {
        return new VolumeRecord(
                new Volume(new VolumeId(id(number)), project, name, 1L << 40, 0, NOON.plusNanos(number)), MakeState.READY);
    }

    /** Their instants may say otherwise: a clock can be set back. */
    @Test
    void archives_of_a_subject_come_in_the_order_they_were_made() {
        var first = new ArchiveRecord(id(9), id(1), 1L << 40, 300, 200, NOON, MakeState.READY);
        var second = new ArchiveRecord(id(8), id(1), 1L << 40, 301, 1, NOON.minusSeconds(60), MakeState.READY);
        var other = new ArchiveRecord(id(7), id(2), 1, 1, 1, NOON, MakeState.READY);
        store.archives().insert(new ArchiveRecord(id(9), id(1), 0, 0, 0, NOON, MakeState.MAKING));
        store.archives().update(first);
        store.archives().insert(other);
        store.archives().insert(second);

        reopen();
        assertThat(store.archives().of(id(1))).containsExactly(first, second);
        assertThat(store.archives().all()).containsExactlyInAnyOrder(first, second, other);
        store.archives().delete(first.id());
        store.archives().delete(first.id());
        assertThat(store.archives().of(id(1))).containsExactly(second);
        assertThat(store.archives().of(id(3))).isEmpty();
    }
}
