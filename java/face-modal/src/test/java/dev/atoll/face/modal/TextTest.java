package dev.atoll.face.modal;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

class TextTest {
    @Test
    void charactersAreWholeHoweverTheBytesAreCut() {
        String all = "aä€🐘b";
        byte[] bytes = all.getBytes(StandardCharsets.UTF_8);
        for (int size = 1; size <= bytes.length; size++) {
            var text = new Text();
            var got = new StringBuilder();
            for (int at = 0; at < bytes.length; at += size) {
                got.append(text.next(Arrays.copyOfRange(bytes, at, Math.min(bytes.length, at + size))));
            }
            assertThat(got.append(text.end())).hasToString(all);
        }
    }

    @Test
    void whatIsNoTextIsReplacedAndHoldsNothingBack() {
        var text = new Text();
        assertThat(text.next(new byte[] {(byte) 0xFF, 'a'})).isEqualTo("\uFFFDa");
        assertThat(text.next(new byte[] {(byte) 0x80, (byte) 0x80, (byte) 0x80, (byte) 0x80})).hasSize(4);
        assertThat(text.next(new byte[] {(byte) 0xE2, (byte) 0x82})).isEmpty();
        assertThat(text.kept()).isEqualTo(2);
        assertThat(text.end()).isEqualTo("\uFFFD");
        assertThat(text.kept()).isZero();
    }
}
