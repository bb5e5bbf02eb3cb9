package dev.atoll.app.bench;

import dev.atoll.app.client.ApiClient;
import dev.atoll.app.client.Query;
import dev.atoll.app.serve.Version;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import tools.jackson.databind.JsonNode;

/**
 * What the numbers depend on besides the programs.
 *
 * @param cgroups {@code v2}, {@code hybrid} or {@code v1}
 * @param pool what the disks lie on
 * @param templateLayers read-only layers below a sandbox's own
 */
record Machine(String atoll, int cores, String kernel, String cgroups, String pool, int templateLayers, long memoryMib) {
    private static final int KIB_PER_MIB = 1024;

    /** Of the server that answers. */
    static Machine of(ApiClient api) {
        JsonNode node = api.get(Query.of("capabilities"));
        try {
            return new Machine(
                    Version.current(),
                    Runtime.getRuntime().availableProcessors(),
                    Files.readString(Path.of("/proc/sys/kernel/osrelease")).strip(),
                    node.path("cgroupMode").asString(),
                    node.path("poolKind").asString(),
                    api.get(Query.of("templates", "base")).path("layers").asInt(),
                    Memory.field(Files.readAllLines(Path.of("/proc/meminfo")), "MemTotal") / KIB_PER_MIB);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public String toString() {
        return String.format(Locale.ROOT,
                "Atoll %s; %d cores, %d MiB, Linux %s, cgroups %s; pool %s; base template of %d layer(s), page cache warm",
                atoll, cores, memoryMib, kernel, cgroups, pool, templateLayers);
    }
}
