package dev.atoll.face.daytona;

import static org.assertj.core.api.Assertions.assertThat;

import dev.atoll.domain.FileInfo;
import java.time.Instant;
import java.util.Optional;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class VendorFileTest {
    @ParameterizedTest
    @CsvSource({
        "FILE,            644, -rw-r--r--,  0644",
        "DIRECTORY,       755, drwxr-xr-x,  0755",
        "DIRECTORY,      1777, dtrwxrwxrwx, 0777",
        "FILE,           4755, urwxr-xr-x,  0755",
        "SYMLINK,         777, Lrwxrwxrwx,  0777",
        "CHARACTER_DEVICE,666, Dcrw-rw-rw-, 0666",
        "FIFO,            600, prw-------,  0600",
    })
    void modesAreWrittenAsGoDoes(FileInfo.Type type, String octal, String mode, String permissions) {
        VendorFile file = of(type, Integer.parseInt(octal, 8), Instant.EPOCH);
        assertThat(file.mode()).isEqualTo(mode);
        assertThat(file.permissions()).isEqualTo(permissions);
    }

    @ParameterizedTest
    @CsvSource({
        "2026-01-02T03:04:05Z,           2026-01-02 03:04:05 +0000 UTC",
        "2026-01-02T03:04:05.120Z,       2026-01-02 03:04:05.12 +0000 UTC",
        "2026-01-02T03:04:05.000000001Z, 2026-01-02 03:04:05.000000001 +0000 UTC",
    })
    void timesAreWrittenAsGoDoes(Instant time, String text) {
        assertThat(of(FileInfo.Type.FILE, 0, time).modTime()).isEqualTo(text);
    }

    private static VendorFile of(FileInfo.Type type, int mode, Instant time) {
        return VendorFile.of(
                new FileInfo("/a", "a", type, 1, mode, 0, 0, "root", "root", time, Optional.empty()));
    }
}
