package dev.atoll.app.cli;

import dev.atoll.app.config.DataSize;
import dev.atoll.app.run.OperatorException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** What a sandbox is asked for. */
final class CreateOptions {
    @Option(names = "--template", paramLabel = "NAME", description = "Template to start from (default: base).")
    private @Nullable String template;

    @Option(names = "--image", paramLabel = "REFERENCE", description = "Image of a registry, or of images.alias, to start from.")
    private @Nullable String image;

    @Option(names = "--snapshot", paramLabel = "NAME", description = "Snapshot to start from.")
    private @Nullable String snapshot;

    @Option(names = "--disk-only", description = "Start anew from the snapshot's disk though it has memory to go on from.")
    private boolean diskOnly;

    @Option(names = "--name", paramLabel = "NAME", description = "Name of the sandbox (default: its id).")
    private @Nullable String name;

    @Option(names = "--label", paramLabel = "KEY=VALUE", description = "A label; may be given several times.")
    private Map<String, String> labels = Map.of();

    @Option(names = {"-e", "--env"}, paramLabel = "NAME=VALUE", description = "A variable of every process; may be given several times.")
    private Map<String, String> env = Map.of();

    @Option(names = "--cpu", paramLabel = "CORES", description = "Cores, for example 0.5.")
    private @Nullable Double cpu;

    @Option(names = "--memory", paramLabel = "SIZE", description = "Memory, for example 512MiB.", converter = SizeConverter.class)
    private @Nullable DataSize memory;

    @Option(names = "--disk", paramLabel = "SIZE", description = "Disk, for example 20GiB.", converter = SizeConverter.class)
    private @Nullable DataSize disk;

    @Option(names = "--user", paramLabel = "USER", description = "User of processes (default: the template's).")
    private @Nullable String user;

    @Option(names = "--workdir", paramLabel = "DIR", description = "Directory of processes (default: the template's).")
    private @Nullable String workdir;

    @Option(names = "--isolation", paramLabel = "CLASS", description = "container, gvisor (default: what the server gives).")
    private @Nullable String isolation;

    @Option(names = "--no-network", description = "Nothing outside is reachable.")
    private boolean noNetwork;

    @Option(names = {"-v", "--volume"}, paramLabel = "VOLUME:/PATH[:ro]", description = "A volume and where it is mounted; may be given several times.")
    private List<String> volumes = List.of();

    @Mixin
    private NetworkOptions network = new NetworkOptions();

    /** The body of a create. */
    Map<String, Object> request() {
        var request = new LinkedHashMap<String, Object>();
        put(request, "template", template);
        put(request, "image", image);
        put(request, "snapshot", snapshot);
        put(request, "diskOnly", diskOnly ? true : null);
        put(request, "name", name);
        put(request, "user", user);
        put(request, "workdir", workdir);
        put(request, "isolation", isolation);
        if (!labels.isEmpty()) {
            request.put("labels", labels);
        }
        if (!env.isEmpty()) {
            request.put("env", env);
        }
        var resources = new LinkedHashMap<String, Object>();
        put(resources, "cpuMillis", cpu == null ? null : Math.round(cpu * 1000));
        put(resources, "memoryBytes", memory == null ? null : memory.bytes());
        put(resources, "diskBytes", disk == null ? null : disk.bytes());
        if (!resources.isEmpty()) {
            request.put("resources", resources);
        }
        var lists = network.request();
        if (noNetwork && lists.isPresent()) {
            throw new OperatorException("--no-network allows nothing: leave out --allow, --deny and --domain");
        }
        if (noNetwork) {
            request.put("network", Map.of("egress", "none"));
        }
        lists.ifPresent(policy -> request.put("network", policy));
        if (!volumes.isEmpty()) {
            request.put("volumes", volumes.stream().map(CreateOptions::mount).toList());
        }
        return request;
    }

    private static Map<String, Object> mount(String text) {
        String[] parts = text.split(":", -1);
        boolean readOnly = parts.length == 3 && parts[2].equals("ro");
        if (parts.length != 2 && !readOnly) {
            throw new OperatorException("--volume " + text + ": not VOLUME:/PATH or VOLUME:/PATH:ro");
        }
        return Map.of("volume", parts[0], "path", parts[1], "readOnly", readOnly);
    }

    private static void put(Map<String, Object> request, String key, @Nullable Object value) {
        if (value != null) {
            request.put(key, value);
        }
    }
}
