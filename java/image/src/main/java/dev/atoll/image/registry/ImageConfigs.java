package dev.atoll.image.registry;

import dev.atoll.domain.ImageException;
import dev.atoll.domain.ImageException.Reason;
import dev.atoll.domain.Template;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import tools.jackson.databind.JsonNode;

/** Reads the configuration of an image (image-spec, config.md). */
final class ImageConfigs {
    private static final int MOST_BYTES = 256 << 10;

    private ImageConfigs() {}

    static Template.Config config(ImageReference image, JsonNode root) {
        JsonNode config = root.path("config");
        String workdir = config.path("WorkingDir").asString("");
        if (!workdir.startsWith("/")) {
            workdir = "/" + workdir;
        }
        var read = new Template.Config(
                env(config.path("Env")),
                config.path("User").asString(""),
                workdir,
                texts(config.path("Entrypoint")),
                texts(config.path("Cmd")),
                texts(config.path("Shell")),
                labels(config.path("Labels")),
                names(config.path("ExposedPorts")));
        long bytes = config.toString().length();
        if (bytes > MOST_BYTES) {
            throw new ImageException(
                    Reason.TOO_LARGE, "the configuration of image " + image + " has " + bytes + " characters; at most " + MOST_BYTES);
        }
        return read;
    }

    static List<Digest> diffIds(ImageReference image, JsonNode root) {
        var ids = new ArrayList<Digest>();
        for (JsonNode id : root.path("rootfs").path("diff_ids")) {
            ids.add(Digest.find(id.asString(""))
                    .orElseThrow(() -> new ImageException(
                            Reason.MALFORMED, "the configuration of image " + image + " names a layer by no SHA-256")));
        }
        return ids;
    }

    /** What no process could have in its environment is left out. */
    private static Map<String, String> env(JsonNode list) {
        Map<String, String> env = new LinkedHashMap<>();
        for (String entry : texts(list)) {
            int equals = entry.indexOf('=');
            if (equals > 0 && entry.indexOf('\0') < 0) {
                env.put(entry.substring(0, equals), entry.substring(equals + 1));
            }
        }
        return env;
    }

    private static List<String> texts(JsonNode list) {
        var texts = new ArrayList<String>();
        list.forEach(node -> texts.add(node.asString("")));
        return texts;
    }

    private static Map<String, String> labels(JsonNode object) {
        Map<String, String> labels = new LinkedHashMap<>();
        object.properties().forEach(entry -> labels.put(entry.getKey(), entry.getValue().asString("")));
        return labels;
    }

    private static Set<String> names(JsonNode object) {
        Set<String> names = new LinkedHashSet<>();
        object.properties().forEach(entry -> names.add(entry.getKey()));
        return names;
    }
}
