package dev.atoll.app.config;

import dev.atoll.http.Nearest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.DatabindException;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.EnumNamingStrategies;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.MapperFeature;
import tools.jackson.databind.PropertyNamingStrategies;
import tools.jackson.databind.exc.InvalidFormatException;
import tools.jackson.databind.exc.UnrecognizedPropertyException;
import tools.jackson.databind.node.ObjectNode;
import tools.jackson.dataformat.yaml.YAMLMapper;

/**
 * Reads {@link Config} from a YAML file and from {@code key=value} settings, which win. A key that is
 * absent has its default; one that nobody knows is an error that proposes the nearest.
 */
public final class ConfigFile {
    /** Read when no other file is named, if it exists. */
    public static final Path DEFAULT = Path.of("/etc/atoll/atoll.yaml");

    static final YAMLMapper YAML = YAMLMapper.builder()
            .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
            .enumNamingStrategy(EnumNamingStrategies.SNAKE_CASE)
            .enable(MapperFeature.ACCEPT_CASE_INSENSITIVE_ENUMS)
            .disable(MapperFeature.SORT_PROPERTIES_ALPHABETICALLY)
            .enable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
            .enable(DeserializationFeature.FAIL_ON_NULL_FOR_PRIMITIVES)
            .build();

    private ConfigFile() {}

    /**
     * @param file empty = {@link #DEFAULT} if it exists, else nothing
     * @param settings each {@code section.key=value}, the value in YAML
     * @throws ConfigException naming what is wrong and where
     */
    public static Config load(Optional<Path> file, List<String> settings) {
        var tree = (ObjectNode) YAML.valueToTree(Config.DEFAULTS);
        Path path = file.orElse(DEFAULT);
        if (file.isPresent() || Files.exists(path)) {
            merge(tree, read(path), "", path.toString());
        }
        for (String setting : settings) {
            merge(tree, parse(setting), "", "--set " + setting);
        }
        return bind(tree);
    }

    static Config bind(JsonNode tree) {
        try {
            return YAML.treeToValue(tree, Config.class);
        } catch (UnrecognizedPropertyException unknown) {
            throw unknownKey(path(unknown), unknown.getPropertyName(),
                    unknown.getKnownPropertyIds().stream().map(String::valueOf).toList());
        } catch (InvalidFormatException wrong) {
            throw new ConfigException(path(wrong) + " is " + wrong.getValue() + allowed(wrong.getTargetType()));
        } catch (DatabindException wrong) {
            Throwable cause = wrong.getCause() instanceof IllegalArgumentException reason ? reason : wrong;
            String message = cause == wrong ? wrong.getOriginalMessage() : String.valueOf(cause.getMessage());
            throw new ConfigException(path(wrong) + ": " + message.lines().findFirst().orElse(""));
        }
    }

    private static String allowed(Class<?> type) {
        Object[] constants = type.getEnumConstants();
        return constants == null
                ? "; allowed: " + type.getSimpleName().toLowerCase(Locale.ROOT)
                : "; allowed: " + Arrays.stream(constants).map(c -> YAML.valueToTree(c).asString()).collect(Collectors.joining(", "));
    }

    private static String path(JacksonException at) {
        return at.getPath().stream()
                .map(step -> step.getPropertyName() == null ? "[" + step.getIndex() + "]" : step.getPropertyName())
                .collect(Collectors.joining("."));
    }

    private static ObjectNode read(Path path) {
        try {
            JsonNode tree = YAML.readTree(Files.readString(path));
            if (tree.isMissingNode() || tree.isNull()) {
                return YAML.createObjectNode();
            }
            if (tree instanceof ObjectNode object) {
                return object;
            }
            throw new ConfigException(path + ": not a mapping of sections");
        } catch (NoSuchFileException absent) {
            throw new ConfigException(path + " does not exist");
        } catch (IOException unreadable) {
            throw new ConfigException(path + " cannot be read: " + unreadable.getClass().getSimpleName());
        } catch (JacksonException malformed) {
            throw new ConfigException(path + ": " + malformed.getMessage());
        }
    }

    /** {@code a.b=value} as the tree {@code {a: {b: value}}}. */
    private static ObjectNode parse(String setting) {
        int equals = setting.indexOf('=');
        if (equals < 1) {
            throw new ConfigException("--set " + setting + ": not section.key=value");
        }
        JsonNode value;
        try {
            value = YAML.readTree(setting.substring(equals + 1));
        } catch (JacksonException malformed) {
            throw new ConfigException("--set " + setting + ": " + malformed.getOriginalMessage());
        }
        String[] keys = setting.substring(0, equals).split("\\.", -1);
        for (int i = keys.length - 1; i >= 0; i--) {
            var outer = YAML.createObjectNode();
            outer.set(keys[i], value);
            value = outer;
        }
        return (ObjectNode) value;
    }

    private static void merge(ObjectNode into, ObjectNode from, String prefix, String origin) {
        for (var entry : from.properties()) {
            String key = prefix.isEmpty() ? entry.getKey() : prefix + "." + entry.getKey();
            @Nullable JsonNode old = into.get(entry.getKey());
            boolean free = prefix.equals("lifecycle.projects") || prefix.equals("quotas.projects");
            if (old == null && !free) {
                throw unknownKey(key, entry.getKey(), List.copyOf(into.propertyNames()));
            }
            if (old instanceof ObjectNode section && !free) {
                if (!(entry.getValue() instanceof ObjectNode values)) {
                    throw new ConfigException(origin + ": " + key + " is a section, not a value");
                }
                merge(section, values, key, origin);
            } else {
                into.set(entry.getKey(), entry.getValue());
            }
        }
    }

    private static ConfigException unknownKey(String path, String name, List<String> known) {
        String proposal = Nearest.of(name, known)
                .map(nearest -> "did you mean " + nearest + "?")
                .orElse("known here: " + known.stream().sorted().collect(Collectors.joining(", ")));
        return new ConfigException("unknown key " + path + "; " + proposal);
    }
}
