package dev.atoll.engine;

import dev.atoll.domain.Template;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Reads the configuration that a base template was imported with: an object with {@code env} (names to
 * values), {@code user}, {@code workdir}, {@code entrypoint} and {@code command}, each optional.
 */
final class TemplateConfig {
    private static final Logger LOG = LoggerFactory.getLogger(TemplateConfig.class);
    private static final JsonMapper JSON = JsonMapper.shared();

    private TemplateConfig() {}

    /** A text that cannot be read is an empty configuration: the template can still be used. */
    static Template.Config parse(String template, String json) {
        if (json.isBlank()) {
            return Template.Config.EMPTY;
        }
        try {
            JsonNode config = JSON.readTree(json);
            return Template.Config.of(
                    env(config.path("env")),
                    config.path("user").asString(""),
                    config.path("workdir").asString(""),
                    texts(config.path("entrypoint")),
                    texts(config.path("command")));
        } catch (JacksonException e) {
            LOG.warn("the configuration of template {} is no JSON: {}", template, e.getOriginalMessage());
            return Template.Config.EMPTY;
        }
    }

    private static Map<String, String> env(JsonNode object) {
        Map<String, String> env = new LinkedHashMap<>();
        object.properties().forEach(entry -> env.put(entry.getKey(), entry.getValue().asString("")));
        return env;
    }

    private static List<String> texts(JsonNode list) {
        var texts = new ArrayList<String>();
        list.forEach(node -> texts.add(node.asString("")));
        return texts;
    }
}
