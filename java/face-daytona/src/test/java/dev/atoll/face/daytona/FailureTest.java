package dev.atoll.face.daytona;

import static org.assertj.core.api.Assertions.assertThat;

import dev.atoll.domain.CapacityException;
import dev.atoll.domain.ConflictException;
import dev.atoll.domain.ForbiddenException;
import dev.atoll.domain.GuestException;
import dev.atoll.domain.InvalidFieldException;
import dev.atoll.domain.NotFoundException;
import dev.atoll.domain.SandboxId;
import dev.atoll.domain.SandboxState;
import dev.atoll.domain.UnavailableException;
import dev.atoll.domain.UnsupportedException;
import dev.atoll.domain.WrongStateException;
import dev.atoll.http.HttpException;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

class FailureTest {
    private static final SandboxId ID = new SandboxId("0123456789abcdef0123456789abcdef");

    static Stream<Arguments> statuses() {
        return Stream.of(
                Arguments.of(new InvalidFieldException("cpu", "0", "1 to 9"), 400),
                Arguments.of(new NotFoundException("sandbox", "x"), 404),
                Arguments.of(new ConflictException("taken"), 409),
                Arguments.of(new WrongStateException(ID, SandboxState.STOPPED, "exec", Set.of(SandboxState.RUNNING)), 400),
                Arguments.of(new CapacityException(CapacityException.What.QUOTA, "no quota"), 400),
                Arguments.of(new CapacityException(CapacityException.What.POOL, "full"), 503),
                Arguments.of(new UnsupportedException("no"), 422),
                Arguments.of(new ForbiddenException("no"), 403),
                Arguments.of(new UnavailableException("gone"), 503),
                Arguments.of(new HttpException(413, "body_too_large", "long"), 413));
    }

    @ParameterizedTest
    @MethodSource("statuses")
    void everyErrorOfTheDomainHasTheVendorsStatus(RuntimeException error, int status) {
        assertThat(Failure.of(error).status()).isEqualTo(status);
    }

    @Test
    void aMissingSandboxIsCalledAsItWasAskedFor() {
        assertThat(Failure.of(new NotFoundException("sandbox", "hermes-default")).message())
                .isEqualTo("Sandbox with ID or name hermes-default not found");
    }

    @Test
    void fileErrorsCarryTheDaemonsCodes() {
        assertThat(Map.of(
                        GuestException.Code.NOT_FOUND, guest(GuestException.Code.NOT_FOUND).code(),
                        GuestException.Code.PERMISSION_DENIED, guest(GuestException.Code.PERMISSION_DENIED).code(),
                        GuestException.Code.IS_DIRECTORY, guest(GuestException.Code.IS_DIRECTORY).code()))
                .isEqualTo(Map.of(
                        GuestException.Code.NOT_FOUND, "FILE_NOT_FOUND",
                        GuestException.Code.PERMISSION_DENIED, "FILE_ACCESS_DENIED",
                        GuestException.Code.IS_DIRECTORY, "INVALID_FILE_PATH"));
    }

    @ParameterizedTest
    @EnumSource(GuestException.Code.class)
    void everyGuestErrorIsAnErrorWithItsMessage(GuestException.Code code) {
        assertThat(guest(code).status()).isBetween(400, 599);
        assertThat(guest(code).message()).isEqualTo("what happened");
    }

    @Test
    void whatIsUnforeseenTellsNothingOfItsInside() {
        Failure failure = Failure.of(new IllegalStateException("secret detail"));
        assertThat(failure.status()).isEqualTo(500);
        assertThat(failure.message()).doesNotContain("secret");
    }

    private static Failure guest(GuestException.Code code) {
        return Failure.of(new GuestException(code, "what happened", "path"));
    }
}
