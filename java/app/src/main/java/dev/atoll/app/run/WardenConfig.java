package dev.atoll.app.run;

import dev.atoll.app.config.Config;
import dev.atoll.app.config.PoolConfig;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import tools.jackson.databind.json.JsonMapper;

/** The warden's configuration file, made of ours. */
final class WardenConfig {
    private WardenConfig() {}

    static void write(Layout layout, Config config, EngineUser user, Dist dist) {
        var pool = new LinkedHashMap<String, Object>();
        pool.put("kind", config.pool().kind().name().toLowerCase(Locale.ROOT));
        if (config.pool().kind() == PoolConfig.Kind.DIR) {
            pool.put("dir", config.pool().dir().orElseThrow());
        }
        pool.put("size_bytes", config.pool().size().bytes());
        pool.put("admission_free_bytes", config.pool().admissionFree().bytes());
        pool.put("freeze_free_bytes", config.pool().freezeFree().bytes());

        var network = Map.of(
                "subnet", config.network().subnet(),
                "deny", config.network().deny(),
                "allow", config.network().allow(),
                "upstream", config.network().upstream());
        var limits = Map.of(
                "host_reserve_bytes", config.limits().hostReserve().bytes(),
                "memory_overcommit", config.limits().memoryOvercommit(),
                "pids", config.defaults().pids(),
                "cpu_millis", config.defaults().resources().cpuMillis(),
                "memory_bytes", config.defaults().memory().bytes());

        var root = new LinkedHashMap<String, Object>();
        root.put("instance", layout.instance());
        root.put("state_dir", layout.stateDir().toString());
        root.put("run_dir", layout.runDir().toString());
        root.put("engine_uid", user.uid());
        root.put("engine_gid", user.gid());
        root.put("guest_binary", dist.guest().toString());
        root.put("templates_dir", dist.templates().toString());
        root.put("default_disk_bytes", config.defaults().disk().bytes());
        root.put("max_slots", config.node().maxSandboxes());
        root.put("id_base", config.node().idBase());
        root.put("pool", pool);
        root.put("network", network);
        root.put("limits", limits);
        root.put("gvisor", gvisor(dist));
        String json = new JsonMapper().writerWithDefaultPrettyPrinter().writeValueAsString(root);
        AtomicFile.write(layout.wardenConfig(), json + "\n", "rw-r--r--");
    }

    /** The program that runs the class, or why there is none. */
    private static Map<String, String> gvisor(Dist dist) {
        Path runsc = dist.runsc();
        Path absent = dist.gvisor().resolve("absent");
        try {
            if (Files.isExecutable(runsc)) {
                return Map.of("runsc", runsc.toRealPath().toString());
            }
            return Map.of("absent", Files.exists(absent) ? Files.readString(absent).strip() : "runsc was not built");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
