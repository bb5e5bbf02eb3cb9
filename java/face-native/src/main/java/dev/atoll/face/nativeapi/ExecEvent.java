package dev.atoll.face.nativeapi;

import com.fasterxml.jackson.annotation.JsonProperty;
import dev.atoll.domain.ProcessEvent;
import dev.atoll.domain.ProcessExit;
import dev.atoll.domain.ProcessStream;
import java.util.Optional;

/** What streams of a process carry, a JSON object each that its {@code type} tells apart. */
sealed interface ExecEvent {
    /** Also the event's name in server-sent events. */
    @JsonProperty
    String type();

    record Started(String type, String processId, int pid, boolean existed) implements ExecEvent {
        static Started of(ProcessStream stream) {
            return new Started("started", stream.id().value(), stream.pid(), stream.existed());
        }
    }

    /** Type {@code stdout} or {@code stderr}; exactly one of text and base64. */
    record Output(String type, Optional<String> text, Optional<String> base64) implements ExecEvent {
        static Output of(ProcessEvent.Stream stream, Text text) {
            return new Output(Names.of(stream), text.text(), text.base64());
        }
    }

    /** Bytes from (inclusive) to (exclusive) of a stream were dropped before this reader came. */
    record Gap(String type, String stream, long from, long to) implements ExecEvent {
        static Gap of(ProcessEvent.Gap gap) {
            return new Gap("gap", Names.of(gap.stream()), gap.from(), gap.to());
        }
    }

    record Exit(String type, ProcessJson.ExitJson exit) implements ExecEvent {
        static Exit of(ProcessExit exit) {
            return new Exit("exit", ProcessJson.ExitJson.of(exit));
        }
    }

    /** Something went wrong after the stream began; it is the last event. */
    record Failed(String type, NativeErrors.ErrorJson error) implements ExecEvent {
        static Failed of(Throwable error) {
            return new Failed("error", NativeErrors.describe(error));
        }
    }
}
