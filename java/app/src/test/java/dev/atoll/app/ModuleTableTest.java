package dev.atoll.app;

import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.Dependency;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** The table "Java modules and what each may use" of ARCHITECTURE.md, as the rule that it is. */
class ModuleTableTest {
    private static final Pattern ROW = Pattern.compile("\\| `([a-z-]+)` \\| `(dev\\.atoll\\.[a-z.]+)` \\| (.+) \\|");
    private static final String ALL = "all of the above";
    private static final String NOTHING = "nothing";

    /** @param uses packages of other modules */
    private record Module(String name, String packageName, Set<String> uses) {
        boolean holds(JavaClass type) {
            return type.getPackageName().equals(packageName) || type.getPackageName().startsWith(packageName + ".");
        }
    }

    private static List<Module> table() throws IOException {
        Map<String, Module> modules = new LinkedHashMap<>();
        for (String line : Files.readAllLines(Path.of("../../ARCHITECTURE.md"))) {
            var match = ROW.matcher(line);
            if (match.matches()) {
                modules.put(match.group(1), new Module(match.group(1), match.group(2), uses(match.group(3), modules)));
            }
        }
        return List.copyOf(modules.values());
    }

    private static Set<String> uses(String cell, Map<String, Module> above) {
        if (cell.startsWith(ALL)) {
            return above.values().stream().map(Module::packageName).collect(Collectors.toSet());
        }
        if (cell.startsWith(NOTHING)) {
            return Set.of();
        }
        return Stream.of(cell.split(", ")).map(name -> Optional.ofNullable(above.get(name)).orElseThrow().packageName()).collect(Collectors.toSet());
    }

    @Test
    void everyModuleUsesOnlyWhatTheTableAllows() throws IOException {
        List<Module> modules = table();
        assertThat(modules).extracting(Module::name).contains("domain", "engine", "face-daytona", "app");
        JavaClasses classes = new ClassFileImporter()
                .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
                .importPackages("dev.atoll");

        var violations = new TreeSet<String>();
        var seen = new TreeSet<String>();
        for (JavaClass type : classes) {
            Module module = moduleOf(modules, type)
                    .orElseThrow(() -> new AssertionError(type.getName() + " belongs to no module of ARCHITECTURE.md"));
            seen.add(module.name());
            for (Dependency dependency : type.getDirectDependenciesFromSelf()) {
                moduleOf(modules, dependency.getTargetClass().getBaseComponentType())
                        .filter(target -> !target.equals(module) && !module.uses().contains(target.packageName()))
                        .ifPresent(target -> violations.add(module.name() + " uses " + target.name() + ": " + dependency.getDescription()));
            }
        }
        assertThat(violations).isEmpty();
        assertThat(seen).containsAll(modules.stream().map(Module::name).filter(name -> !name.equals("tests")).toList());
    }

    /** The longest package wins: {@code dev.atoll.face.daytona} lies beside {@code dev.atoll.face.nativeapi}. */
    private static Optional<Module> moduleOf(List<Module> modules, JavaClass type) {
        var holding = new ArrayList<>(modules.stream().filter(module -> module.holds(type)).toList());
        holding.sort((a, b) -> b.packageName().length() - a.packageName().length());
        return holding.stream().findFirst();
    }
}
