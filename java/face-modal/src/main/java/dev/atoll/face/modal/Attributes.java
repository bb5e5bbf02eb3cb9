package dev.atoll.face.modal;

import dev.atoll.domain.Sandbox;
import java.util.HashMap;
import java.util.Map;

/**
 * What this face keeps with a sandbox because no field of the domain says it. Those of a sandbox that
 * was not made here are empty.
 *
 * @param dialect by which calls it was made
 * @param name as the client gave it, empty for none; the domain's is longer, see {@link SandboxNames}
 * @param image the vendor's id of what it was made from
 */
record Attributes(Dialect dialect, String name, String image) {
    private static final String DIALECT = "modal.dialect";
    private static final String NAME = "modal.name";
    private static final String IMAGE = "modal.image";

    static Attributes of(Sandbox sandbox) {
        Map<String, String> map = sandbox.attributes();
        return new Attributes(
                Dialect.V1.name().equals(map.get(DIALECT)) ? Dialect.V1 : Dialect.V2,
                map.getOrDefault(NAME, ""),
                map.getOrDefault(IMAGE, ""));
    }

    Map<String, String> asMap() {
        var map = new HashMap<String, String>();
        map.put(DIALECT, dialect.name());
        map.put(NAME, name);
        map.put(IMAGE, image);
        return map;
    }
}
