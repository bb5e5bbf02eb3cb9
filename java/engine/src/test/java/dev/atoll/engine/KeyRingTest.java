package dev.atoll.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.atoll.domain.ApiKey;
import dev.atoll.domain.Caller;
import dev.atoll.domain.ForbiddenException;
import dev.atoll.domain.IssuedKey;
import dev.atoll.domain.NotFoundException;
import dev.atoll.domain.ProjectId;
import dev.atoll.store.SqliteStore;
import dev.atoll.store.Store;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.time.Instant;
import java.util.HexFormat;
import java.util.Locale;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class KeyRingTest {
    private static final String OPERATORS_SECRET = "atoll_operator-secret-of-this-test";
    private static final ProjectId TEAM = new ProjectId("team");

    @TempDir
    Path directory;

    private Store store;
    private KeyRing keys;
    private Caller operator;

    @BeforeEach
    void open() throws Exception {
        store = SqliteStore.open(directory.resolve("keys.db"));
        keys = ring();
        operator = keys.authenticate(OPERATORS_SECRET).orElseThrow();
    }

    @AfterEach
    void close() {
        store.close();
    }

    @Test
    void aNewKeyIsItsProjectsAndNoOperators() {
        IssuedKey issued = keys.create(operator, TEAM, "ci");
        assertThat(keys.authenticate(issued.secret())).contains(new Caller(TEAM, issued.key().id(), false));
        assertThat(issued.secret()).startsWith("atoll_").hasSizeGreaterThan(6 + 32);
        assertThat(issued.toString()).doesNotContain(issued.secret());
    }

    @Test
    void aSecretThatIsNotExactlyAKeysIsNobodys() {
        String secret = keys.create(operator, TEAM, "ci").secret();
        for (String wrong : new String[] {"", "atoll_", secret + "0", secret.substring(1), secret.toUpperCase(Locale.ROOT), "x".repeat(10_000)}) {
            assertThat(keys.authenticate(wrong)).as("secret of %d characters", wrong.length()).isEmpty();
        }
    }

    @Test
    void aRevokedKeyEndsAtOnceAndStaysRevokedAfterARestart() throws Exception {
        IssuedKey issued = keys.create(operator, TEAM, "ci");
        keys.revoke(operator, issued.key().id());
        keys.revoke(operator, issued.key().id());
        assertThat(keys.authenticate(issued.secret())).isEmpty();
        assertThat(ring().authenticate(issued.secret())).isEmpty();
        assertThat(keys.list(operator)).extracting(ApiKey::revokedAt).allMatch(Optional::isPresent);
    }

    @Test
    void aKeySurvivesARestartAndItsSecretIsNowhereOnDisk() throws Exception {
        IssuedKey issued = keys.create(operator, TEAM, "ci");
        assertThat(ring().authenticate(issued.secret())).isPresent();
        try (var files = Files.list(directory)) {
            for (Path file : files.toList()) {
                String content = new String(Files.readAllBytes(file), StandardCharsets.ISO_8859_1);
                assertThat(content).as(file.toString()).doesNotContain(issued.secret());
            }
        }
    }

    @Test
    void onlyAnOperatorMakesKeysAndAProjectSeesItsOwn() {
        IssuedKey ours = keys.create(operator, TEAM, "ours");
        IssuedKey theirs = keys.create(operator, new ProjectId("others"), "theirs");
        Caller member = keys.authenticate(ours.secret()).orElseThrow();
        assertThatThrownBy(() -> keys.create(member, TEAM, "more")).isInstanceOf(ForbiddenException.class);
        assertThat(keys.list(member)).extracting(ApiKey::id).containsExactly(ours.key().id());
        assertThatThrownBy(() -> keys.revoke(member, theirs.key().id())).isInstanceOf(NotFoundException.class);
        assertThat(keys.authenticate(theirs.secret())).isPresent();
        assertThat(keys.list(operator)).hasSize(2);
    }

    private KeyRing ring() throws Exception {
        byte[] hash = MessageDigest.getInstance("SHA-256").digest(OPERATORS_SECRET.getBytes(StandardCharsets.UTF_8));
        var clock = new SteppedClock(Instant.EPOCH);
        return new KeyRing(
                store.keys(), clock, new Ids(new SecureRandom()),
                Optional.of(HexFormat.of().formatHex(hash)), new QuotaKeeper(Quotas.NONE, new SandboxRegistry(), clock));
    }
}
