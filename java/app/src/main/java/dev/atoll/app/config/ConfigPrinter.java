package dev.atoll.app.config;

import java.lang.reflect.RecordComponent;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** Prints a configuration as a file that reads back as the same, with what each key means above it. */
public final class ConfigPrinter {
    private ConfigPrinter() {}

    public static String print(Config config) {
        JsonNode values = ConfigFile.YAML.valueToTree(config);
        JsonNode defaults = ConfigFile.YAML.valueToTree(Config.DEFAULTS);
        var lines = new ArrayList<String>();
        var names = List.copyOf(values.propertyNames());
        RecordComponent[] sections = Config.class.getRecordComponents();
        for (int i = 0; i < sections.length; i++) {
            lines.add("# " + help(sections[i]));
            lines.add(names.get(i) + ":");
            section(lines, sections[i].getType(), values.get(names.get(i)), defaults.get(names.get(i)));
            lines.add("");
        }
        return String.join("\n", lines);
    }

    private static void section(List<String> lines, Class<?> type, JsonNode values, JsonNode defaults) {
        var names = List.copyOf(values.propertyNames());
        RecordComponent[] keys = type.getRecordComponents();
        for (int i = 0; i < keys.length; i++) {
            String name = names.get(i);
            JsonNode value = values.get(name);
            @Nullable JsonNode ordinary = defaults.get(name);
            lines.add("  # " + help(keys[i]) + (value.equals(ordinary) ? "" : " Default: " + inline(ordinary)));
            if (value.isArray() && !value.isEmpty()) {
                lines.add("  " + name + ":");
                value.forEach(item -> lines.add("    - " + inline(item)));
            } else {
                lines.add("  " + name + ": " + inline(value));
            }
        }
    }

    private static String help(RecordComponent component) {
        Key key = component.getAnnotation(Key.class);
        return key == null ? "" : key.value();
    }

    /** JSON is YAML too, and stays on one line. */
    private static String inline(@Nullable JsonNode value) {
        return value == null ? "null" : value.toString();
    }
}
