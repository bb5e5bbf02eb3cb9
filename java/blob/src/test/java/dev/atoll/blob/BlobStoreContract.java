package dev.atoll.blob;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.atoll.domain.ConflictException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What every blob store does. */
abstract class BlobStoreContract {
    private BlobStore store;

    /** Empty. */
    abstract BlobStore open() throws Exception;

    @BeforeEach
    void openStore() throws Exception {
        store = open();
    }

    @AfterEach
    void closeStore() {
        store.close();
    }

    @Test
    void what_was_put_is_there_until_it_is_deleted() {
        byte[] content = new byte[1_100_000];
        new java.util.Random(7).nextBytes(content);
        assertThat(store.has("c/ab/abcd")).isFalse();
        assertThat(store.get("c/ab/abcd")).isEmpty();
        store.put("c/ab/abcd", content);
        store.put("c/ab/empty", new byte[0]);
        store.put("top", bytes("one"));
        store.put("top", bytes("two"));
        store.flush();
        assertThat(store.has("c/ab/abcd")).isTrue();
        assertThat(store.get("c/ab/abcd")).hasValueSatisfying(found -> assertThat(found).isEqualTo(content));
        assertThat(store.get("c/ab/empty")).hasValueSatisfying(found -> assertThat(found).isEmpty());
        assertThat(store.get("top")).hasValueSatisfying(found -> assertThat(found).isEqualTo(bytes("two")));
        store.delete("c/ab/abcd");
        store.delete("c/ab/abcd");
        assertThat(store.has("c/ab/abcd")).isFalse();
        assertThat(store.get("c/ab/abcd")).isEmpty();
    }

    @Test
    void a_listing_tells_what_begins_so_and_nothing_else() {
        for (String name : List.of("c/a0/a0ff", "c/a1/a1ff", "c/b0/b0ff", "m/a0", "store")) {
            store.put(name, bytes(name));
        }
        assertThat(list("c/")).containsExactlyInAnyOrder("c/a0/a0ff 9", "c/a1/a1ff 9", "c/b0/b0ff 9");
        assertThat(list("c/a")).containsExactlyInAnyOrder("c/a0/a0ff 9", "c/a1/a1ff 9");
        assertThat(list("c/a1")).containsExactly("c/a1/a1ff 9");
        assertThat(list("m/")).containsExactly("m/a0 4");
        assertThat(list("")).hasSize(5);
        assertThat(list("x/")).isEmpty();
    }

    @Test
    void a_listing_has_more_than_one_page() {
        for (int i = 0; i < 1010; i++) {
            store.put("c/%04d".formatted(i), bytes("x"));
        }
        assertThat(list("c/")).hasSize(1010);
    }

    @Test
    void what_is_told_may_be_deleted_while_the_listing_goes_on() {
        for (int i = 0; i < 1010; i++) {
            store.put("c/%04d".formatted(i), bytes("x"));
        }
        var told = new ArrayList<String>();
        store.list("c/", blob -> {
            told.add(blob.name());
            store.delete(blob.name());
        });
        assertThat(told).doesNotHaveDuplicates().hasSize(1010);
        assertThat(list("c/")).isEmpty();
    }

    /** Whoever has the place could end the engine otherwise. */
    @Test
    void what_is_larger_than_anything_stored_is_not_read_to_its_end() {
        store.put("c/most", new byte[BlobStore.MOST_BYTES]);
        store.put("c/more", new byte[8 * BlobStore.MOST_BYTES]);
        assertThat(store.get("c/most")).hasValueSatisfying(found -> assertThat(found).hasSize(BlobStore.MOST_BYTES));
        assertThatThrownBy(() -> store.get("c/more"))
                .isInstanceOf(ConflictException.class)
                .hasMessageContaining("more than 2097152 bytes for c/more");
        assertThat(store.get("c/most")).as("the connection is none with a rest on it").isPresent();
    }

    private List<String> list(String prefix) {
        var found = new ArrayList<String>();
        store.list(prefix, blob -> found.add(blob.name() + " " + blob.bytes()));
        return found;
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }
}
