package dev.atoll.domain;

import java.util.Map;

/** Where variables of an environment come from; of several sources the later wins. */
public sealed interface EnvSource {
    /** All of a stored secret, with the values it has when the sandbox or process is made. */
    record OfSecret(SecretId id) implements EnvSource {}

    /** Values given with the call, which are kept as a secret's are. */
    record Inline(Map<String, String> values) implements EnvSource {
        public Inline {
            values = Map.copyOf(values);
            CreateSandbox.checkEnv(values);
        }

        /** Names only. */
        @Override
        public String toString() {
            return "Inline[" + String.join(", ", values.keySet()) + "]";
        }
    }
}
