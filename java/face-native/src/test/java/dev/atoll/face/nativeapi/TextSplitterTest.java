package dev.atoll.face.nativeapi;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Base64;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;

class TextSplitterTest {
    @Test
    void charactersAcrossChunksStayText() {
        byte[] bytes = "a€😀é\n".getBytes(StandardCharsets.UTF_8);
        for (int size = 1; size <= bytes.length; size++) {
            var splitter = new TextSplitter();
            StringBuilder text = new StringBuilder();
            for (int at = 0; at < bytes.length; at += size) {
                splitter.add(Arrays.copyOfRange(bytes, at, Math.min(bytes.length, at + size)))
                        .ifPresent(piece -> text.append(piece.text().orElseThrow()));
            }
            assertThat(splitter.end()).isEmpty();
            assertThat(text.toString()).isEqualTo("a€😀é\n");
        }
    }

    @Test
    void noByteIsLostOfWhatIsNoText() {
        Random random = new Random(7);
        var splitter = new TextSplitter();
        var sent = new ByteArrayOutputStream();
        var received = new ByteArrayOutputStream();
        for (int i = 0; i < 2000; i++) {
            byte[] chunk = new byte[random.nextInt(6)];
            random.nextBytes(chunk);
            sent.writeBytes(chunk);
            splitter.add(chunk).ifPresent(piece -> received.writeBytes(bytes(piece)));
        }
        splitter.end().ifPresent(piece -> received.writeBytes(bytes(piece)));
        assertThat(received.toByteArray()).isEqualTo(sent.toByteArray());
    }

    @Test
    void anUnfinishedCharacterAtTheEndIsBase64() {
        var splitter = new TextSplitter();
        assertThat(splitter.add(new byte[] {'x', (byte) 0xe2, (byte) 0x82})).contains(new Text(Optional.of("x"), Optional.empty()));
        assertThat(splitter.end()).contains(new Text(Optional.empty(), Optional.of("4oI=")));
    }

    private static byte[] bytes(Text text) {
        return text.base64().map(b -> Base64.getDecoder().decode(b))
                .orElseGet(() -> text.text().orElseThrow().getBytes(StandardCharsets.UTF_8));
    }
}
