package dev.atoll.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class MultipartTest {
    private static final String BOUNDARY = "b-o-u-n-d";

    /** Gives at most so many bytes a read, so that every boundary crosses reads. */
    private static InputStream trickle(byte[] bytes, int atOnce) {
        return new ByteArrayInputStream(bytes) {
            @Override
            public synchronized int read(byte[] b, int off, int len) {
                return super.read(b, off, Math.min(len, atOnce));
            }
        };
    }

    private static MultipartReader reader(String text) {
        return new MultipartReader(
                new ByteArrayInputStream(text.getBytes(StandardCharsets.UTF_8)), BOUNDARY, new MultipartReader.Limits(200, 3));
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 7, 63, 1000, 70_000})
    void whatWasWrittenIsReadWhereverReadsAreCut(int atOnce) throws IOException {
        Random random = new Random(atOnce);
        List<byte[]> contents = new ArrayList<>();
        for (int size : new int[] {0, 1, 10, 65_536, 65_537, 200_000}) {
            byte[] content = new byte[size];
            random.nextBytes(content);
            contents.add(content);
        }
        contents.add(("\r\n--" + BOUNDARY.substring(1) + "\r\n--b-o-\r\n\r").getBytes(StandardCharsets.UTF_8));
        var out = new ByteArrayOutputStream();
        var writer = new MultipartWriter(out, BOUNDARY);
        for (int i = 0; i < contents.size(); i++) {
            writer.part("f" + i, Optional.of("a\"b\\" + i + ".bin"), "application/octet-stream", OptionalLong.of(contents.get(i).length));
            out.write(contents.get(i));
        }
        writer.finish();
        var reader = new MultipartReader(trickle(out.toByteArray(), atOnce), BOUNDARY, MultipartReader.Limits.DEFAULT);
        for (int i = 0; i < contents.size(); i++) {
            var part = reader.next().orElseThrow();
            assertThat(part.name()).isEqualTo("f" + i);
            assertThat(part.filename()).contains("a\"b\\" + i + ".bin");
            assertThat(part.header("content-length")).contains(Integer.toString(contents.get(i).length));
            assertThat(part.content().readAllBytes()).isEqualTo(contents.get(i));
        }
        assertThat(reader.next()).isEmpty();
        assertThat(reader.next()).isEmpty();
    }

    @Test
    void unreadContentIsSkippedAndItsStreamEnds() throws IOException {
        var reader = reader("preamble\r\n--b-o-u-n-d\r\nContent-Disposition: form-data; name=a\r\n\r\nfirst"
                + "\r\n--b-o-u-n-d  \r\nContent-Disposition: form-data; name=\"b\"\r\n\r\nsecond\r\n--b-o-u-n-d--epilogue");
        var first = reader.next().orElseThrow();
        assertThat(first.content().read()).isEqualTo('f');
        var second = reader.next().orElseThrow();
        assertThat(first.content().read()).isEqualTo(-1);
        assertThat(second.name()).isEqualTo("b");
        assertThat(second.text(6)).isEqualTo("second");
        assertThat(reader.next()).isEmpty();
    }

    @Test
    void aPartWithoutContentMayShareItsLineEndWithTheBoundary() throws IOException {
        var reader = reader("--b-o-u-n-d\r\nContent-Disposition: form-data; name=a\r\n\r\n--b-o-u-n-d--\r\n");
        assertThat(reader.next().orElseThrow().text(0)).isEmpty();
        assertThat(reader.next()).isEmpty();
    }

    @Test
    void extendedFilenamesAreDecoded() throws IOException {
        var reader = reader(
                "--b-o-u-n-d\r\nContent-Disposition: form-data; name=a; filename=x; filename*=UTF-8''%e2%82%ac+.txt\r\n\r\n\r\n--b-o-u-n-d--");
        assertThat(reader.next().orElseThrow().filename()).contains("€+.txt");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "no boundary at all",
                "--b-o-u-n-d",
                "--b-o-u-n-d\r\n",
                "--b-o-u-n-d\r\nContent-Disposition: form-data; name=a\r\n\r\ncontent without end",
                "--b-o-u-n-d\r\nContent-Disposition: form-data; name=a\r\n\r\ncontent\r\n--b-o-u-n-",
                "--b-o-u-n-dX\r\nA: b\r\n\r\n\r\n--b-o-u-n-d--",
                "--b-o-u-n-d\r\nno colon\r\n\r\n\r\n--b-o-u-n-d--",
                "--b-o-u-n-d\r\n: no name\r\n\r\n\r\n--b-o-u-n-d--",
            })
    void malformedBodiesAreRefused(String body) {
        var reader = reader(body);
        assertThatThrownBy(() -> {
                    while (reader.next().isPresent()) {
                        // skip
                    }
                })
                .isInstanceOf(InvalidInputException.class);
    }

    @Test
    void headersAndPartsAreBounded() throws IOException {
        var longHeaders = reader("--b-o-u-n-d\r\nX: " + "y".repeat(200) + "\r\n\r\n\r\n--b-o-u-n-d--");
        assertThatThrownBy(longHeaders::next).hasMessageContaining("200 bytes");
        var manyHeaders = reader("--b-o-u-n-d\r\n" + "X: y\r\n".repeat(40) + "\r\n\r\n--b-o-u-n-d--");
        assertThatThrownBy(manyHeaders::next).hasMessageContaining("200 bytes");
        var manyParts = reader("--b-o-u-n-d\r\n\r\n\r\n".repeat(4) + "--b-o-u-n-d--");
        for (int i = 0; i < 3; i++) {
            assertThat(manyParts.next()).isPresent();
        }
        assertThatThrownBy(manyParts::next).hasMessageContaining("at most 3 parts");
    }
}
