package dev.atoll.engine;

import dev.atoll.domain.Template;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Reads the configuration that a template was imported with: an OCI image configuration
 * (github.com/opencontainers/image-spec, config.md), of which {@code created} and {@code config} with
 * Env, User, WorkingDir, Entrypoint and Cmd are used.
 */
record ImageConfig(Template.Config config, Optional<Instant> created) {
    private static final Logger LOG = LoggerFactory.getLogger(ImageConfig.class);
    private static final JsonMapper JSON = JsonMapper.shared();

    /** An unreadable text is an empty configuration: the template can still be used. */
    static ImageConfig parse(String json) {
        if (json.isBlank()) {
            return new ImageConfig(Template.Config.EMPTY, Optional.empty());
        }
        try {
            JsonNode root = JSON.readTree(json);
            JsonNode config = root.path("config");
            return new ImageConfig(
                    new Template.Config(
                            env(config.path("Env")),
                            config.path("User").asString(""),
                            config.path("WorkingDir").asString(""),
                            texts(config.path("Entrypoint")),
                            texts(config.path("Cmd"))),
                    created(root.path("created").asString("")));
        } catch (JacksonException e) {
            LOG.warn("a template's configuration is no JSON: {}", e.getOriginalMessage());
            return new ImageConfig(Template.Config.EMPTY, Optional.empty());
        }
    }

    private static Map<String, String> env(JsonNode list) {
        Map<String, String> env = new LinkedHashMap<>();
        for (String entry : texts(list)) {
            int equals = entry.indexOf('=');
            if (equals > 0) {
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

    private static Optional<Instant> created(String text) {
        try {
            return text.isEmpty() ? Optional.empty() : Optional.of(Instant.parse(text));
        } catch (DateTimeException e) {
            return Optional.empty();
        }
    }
}
