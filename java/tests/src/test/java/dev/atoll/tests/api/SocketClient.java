package dev.atoll.tests.api;

import dev.atoll.http.Json;
import java.io.ByteArrayOutputStream;
import java.net.http.WebSocket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** Collects what comes over a WebSocket. */
final class SocketClient implements WebSocket.Listener {
    private final StringBuilder text = new StringBuilder();
    private final ByteArrayOutputStream message = new ByteArrayOutputStream();
    final List<String> texts = new ArrayList<>();
    final List<byte[]> binaries = new ArrayList<>();
    private int closeCode = -1;

    @Override
    public synchronized @Nullable CompletionStage<?> onText(WebSocket socket, CharSequence data, boolean last) {
        text.append(data);
        if (last) {
            texts.add(text.toString());
            text.setLength(0);
        }
        socket.request(1);
        return null;
    }

    @Override
    public synchronized @Nullable CompletionStage<?> onBinary(WebSocket socket, ByteBuffer data, boolean last) {
        byte[] bytes = new byte[data.remaining()];
        data.get(bytes);
        message.writeBytes(bytes);
        if (last) {
            binaries.add(message.toByteArray());
            message.reset();
        }
        socket.request(1);
        return null;
    }

    @Override
    public synchronized @Nullable CompletionStage<?> onClose(WebSocket socket, int code, String reason) {
        closeCode = code;
        return null;
    }

    synchronized int closeCode() {
        return closeCode;
    }

    /** The output of one channel so far. */
    synchronized String output(int channel) {
        var out = new ByteArrayOutputStream();
        binaries.stream().filter(b -> b[0] == channel).forEach(b -> out.write(b, 1, b.length - 1));
        return out.toString(StandardCharsets.UTF_8);
    }

    /** All bytes so far, of a socket without channels. */
    synchronized String bytes() {
        var out = new ByteArrayOutputStream();
        binaries.forEach(out::writeBytes);
        return out.toString(StandardCharsets.UTF_8);
    }

    synchronized List<JsonNode> events() {
        return texts.stream().map(t -> Json.LENIENT.mapper().readTree(t)).toList();
    }
}
