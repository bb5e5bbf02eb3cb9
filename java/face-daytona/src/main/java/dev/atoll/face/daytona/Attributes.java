package dev.atoll.face.daytona;

import dev.atoll.domain.Sandbox;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * What this face keeps with a sandbox because no field of the domain says it.
 *
 * @param snapshot as the create named it
 * @param dockerfile text of a create by image
 * @param target region name
 * @param isPublic whether previews need no key
 * @param envNames which variables the create gave; the sandbox's others are its template's. Empty
 *     for a sandbox that was not made here
 */
record Attributes(
        Optional<String> snapshot,
        Optional<String> dockerfile,
        String target,
        boolean isPublic,
        Optional<Set<String>> envNames) {
    private static final String SNAPSHOT = "daytona.snapshot";
    private static final String DOCKERFILE = "daytona.dockerfile";
    private static final String TARGET = "daytona.target";
    private static final String PUBLIC = "daytona.public";
    private static final String ENV_NAMES = "daytona.env";
    private static final String SEPARATOR = ",";

    static Attributes of(Sandbox sandbox) {
        Map<String, String> map = sandbox.attributes();
        return new Attributes(
                Optional.ofNullable(map.get(SNAPSHOT)),
                Optional.ofNullable(map.get(DOCKERFILE)),
                map.getOrDefault(TARGET, ""),
                Boolean.parseBoolean(map.get(PUBLIC)),
                Optional.ofNullable(map.get(ENV_NAMES)).map(names -> Set.of(names.split(SEPARATOR))));
    }

    Attributes withPublic(boolean value) {
        return new Attributes(snapshot, dockerfile, target, value, envNames);
    }

    /** Of all these variables, those to show. */
    Map<String, String> shown(Map<String, String> env) {
        Map<String, String> result = new HashMap<>(env);
        envNames.ifPresent(names -> result.keySet().retainAll(names));
        return result;
    }

    /** These among the attributes of others. */
    Map<String, String> in(Map<String, String> others) {
        Map<String, String> result = new HashMap<>(others);
        snapshot.ifPresent(s -> result.put(SNAPSHOT, s));
        dockerfile.ifPresent(d -> result.put(DOCKERFILE, d));
        result.put(TARGET, target);
        result.put(PUBLIC, Boolean.toString(isPublic));
        envNames.ifPresent(names -> result.put(ENV_NAMES, String.join(SEPARATOR, new TreeSet<>(names))));
        return result;
    }
}
