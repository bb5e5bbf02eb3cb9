package dev.atoll.app.cli;

import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** The instance that a command is about. */
final class InstanceName {
    private static final String DEFAULT = "default";

    private InstanceName() {}

    /** The option's, else that of the environment. */
    static Optional<String> given(@Nullable String option) {
        return Optional.ofNullable(option).or(() -> Optional.ofNullable(System.getenv("ATOLL_INSTANCE")).filter(name -> !name.isEmpty()));
    }

    static String orDefault(@Nullable String option) {
        return given(option).orElse(DEFAULT);
    }
}
