package dev.atoll.face.daytona;

import com.fasterxml.jackson.annotation.JsonAnySetter;
import com.fasterxml.jackson.annotation.JsonProperty;
import dev.atoll.domain.InvalidFieldException;
import dev.atoll.domain.UnsupportedException;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * The vendor's CreateSandbox. A field that is not a component here is refused unless it says
 * nothing, so that no client believes to have what it asked for in vain.
 *
 * @param cpu CPUs, 1 to 1,024; @param memory GiB, 1 to 4,096; @param disk GiB, 1 to 1,024
 * @param autoStopInterval minutes; see {@link Interval}
 */
record CreateRequest(
        @Nullable String name,
        @Nullable String snapshot,
        @Nullable String user,
        @Nullable Map<String, @Nullable String> env,
        @Nullable Map<String, @Nullable String> labels,
        @JsonProperty("public") @Nullable Boolean isPublic,
        @Nullable Boolean networkBlockAll,
        @Nullable String networkAllowList,
        @Nullable String domainAllowList,
        @Nullable String target,
        @Nullable Integer cpu,
        @Nullable Integer gpu,
        @Nullable Integer memory,
        @Nullable Integer disk,
        @Nullable Integer autoStopInterval,
        @Nullable Integer autoArchiveInterval,
        @Nullable Integer autoDeleteInterval,
        @Nullable BuildInfo buildInfo,
        @JsonAnySetter Map<String, JsonNode> others) {

    /** An image described by a Dockerfile. */
    record BuildInfo(@Nullable String dockerfileContent, @Nullable List<String> contextHashes) {}

    CreateRequest {
        others = others == null ? Map.of() : Map.copyOf(others);
        requireRange("cpu", cpu, 1, 1024);
        requireRange("memory", memory, 1, 4096);
        requireRange("disk", disk, 1, 1024);
        requireRange("gpu", gpu, 0, 0);
        for (var other : new TreeMap<>(others).entrySet()) {
            if (saysSomething(other.getValue())) {
                throw new UnsupportedException("the field " + other.getKey() + " of a create is not offered by this server");
            }
        }
        if (buildInfo != null && buildInfo.contextHashes() != null && !buildInfo.contextHashes().isEmpty()) {
            throw new UnsupportedException("buildInfo.contextHashes (local files in an image) is not offered by this server");
        }
    }

    NetworkSettings network() {
        return new NetworkSettings(networkBlockAll, networkAllowList, domainAllowList);
    }

    private static void requireRange(String field, @Nullable Integer value, int min, int max) {
        if (value != null) {
            InvalidFieldException.requireRange(field, value, min, max);
        }
    }

    private static boolean saysSomething(JsonNode value) {
        boolean zero = value.isNumber() && value.doubleValue() == 0;
        boolean empty = value.isContainer() && value.isEmpty() || value.isString() && value.stringValue().isEmpty();
        return !(value.isNull() || zero || empty || value.isBoolean() && !value.booleanValue());
    }
}
