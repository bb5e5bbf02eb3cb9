package dev.atoll.app.run;

import dev.atoll.app.config.ArchiveConfig;
import dev.atoll.app.config.Config;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The systemd units of an instance. What each line means: systemd.service(5), systemd.exec(5).
 *
 * @param archive directory of the blob store, which the engine writes
 * @param config file that the instance is configured by; read anew at each start of the warden
 */
record Units(Layout layout, Dist dist, String user, Optional<Path> archive, Path config) {
    /**
     * What the warden does that only these allow: mounts, namespaces and device programs (SYS_ADMIN), links,
     * addresses and rules (NET_ADMIN), segments to sandboxes whose connection is cut (NET_RAW), the forwarder's
     * port (NET_BIND_SERVICE), ids of sandboxes (SETUID, SETGID, SETFCAP for a map that holds id 0, CHOWN, FOWNER, FSETID), directories and disks that belong to
     * others (DAC_OVERRIDE, DAC_READ_SEARCH), ends of processes of other users (KILL), namespaces of a process
     * (SYS_PTRACE), limits above its own (SYS_RESOURCE), roots (SYS_CHROOT), nodes of devices (MKNOD) and
     * taking all of it away from a sandbox's first process and from the forwarder (SETPCAP). What processes of
     * sandboxes have counts inside their own user namespaces and does not come from here.
     */
    static final List<String> WARDEN_CAPABILITIES = List.of(
            "CAP_SYS_ADMIN", "CAP_NET_ADMIN", "CAP_NET_BIND_SERVICE", "CAP_NET_RAW", "CAP_SETUID", "CAP_SETGID", "CAP_SETFCAP",
            "CAP_SETPCAP", "CAP_CHOWN", "CAP_FOWNER", "CAP_FSETID", "CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH",
            "CAP_KILL", "CAP_SYS_PTRACE", "CAP_SYS_RESOURCE", "CAP_SYS_CHROOT", "CAP_MKNOD");

    private static final String DEFAULT_INSTANCE = "default";

    static Units of(Config config, Dist dist, Path file) {
        Optional<Path> archive = config.archive().store() == ArchiveConfig.Store.DIRECTORY
                ? config.archive().directory().map(Path::of)
                : Optional.empty();
        return new Units(Layout.of(config), dist, config.node().user(), archive, file);
    }

    String wardenName() {
        return prefix() + "-warden.service";
    }

    String engineName() {
        return prefix() + "-engine.service";
    }

    private String prefix() {
        return layout.instance().equals(DEFAULT_INSTANCE) ? "atoll" : "atoll-" + layout.instance();
    }

    /** By file name. */
    Map<String, String> files() {
        return new TreeMap<>(Map.of(wardenName(), warden(), engineName(), engine()));
    }

    /**
     * Its processes are sandboxes: they outlive it. So only the warden itself is ended with the unit. It
     * gets no mount namespace of its own (Private..., Protect..., ReadOnly...), since the pool must be mounted
     * in the machine's, and may not be told no_new_privs, which sandboxes would inherit: sudo works there.
     */
    private String warden() {
        return """
                # Written by 'atoll install', removed by 'atoll uninstall'.
                [Unit]
                Description=Atoll's warden: disks, namespaces and network of sandboxes (instance %s)
                After=local-fs.target network-pre.target
                Wants=network-pre.target
                StartLimitIntervalSec=0

                [Service]
                Type=notify
                NotifyAccess=main
                %s
                ExecStartPre=%s
                ExecStart=%s
                KillMode=process
                Delegate=yes
                Restart=always
                RestartSec=100ms
                TimeoutStartSec=5min
                TimeoutStopSec=20s
                CapabilityBoundingSet=%s
                LimitNOFILE=1048576
                TasksMax=infinity
                OOMScoreAdjust=-900
                UMask=0022

                [Install]
                WantedBy=multi-user.target
                """.formatted(
                        layout.instance(),
                        environment(),
                        commandLine(dist.command("cli", List.of(), List.of("prepare", "--config", config.toString()))),
                        commandLine(List.of(dist.warden().toString(), "--config", layout.wardenConfig().toString())),
                        String.join(" ", WARDEN_CAPABILITIES));
    }

    private String engine() {
        List<String> serve = dist.command(
                "engine",
                List.of("-Djava.io.tmpdir=" + layout.engineDir().resolve("tmp")),
                List.of("serve", "--config", layout.engineConfig().toString()));
        return """
                # Written by 'atoll install', removed by 'atoll uninstall'.
                [Unit]
                Description=Atoll's engine: the APIs and the life of sandboxes (instance %s)
                After=%s network-online.target
                Wants=%s network-online.target
                StartLimitIntervalSec=0

                [Service]
                Type=exec
                User=%s
                Group=%s
                ExecStart=%s
                ExecReload=/bin/kill -HUP $MAINPID
                SuccessExitStatus=143
                Restart=always
                RestartSec=500ms
                TimeoutStopSec=35s
                CapabilityBoundingSet=
                NoNewPrivileges=yes
                ProtectSystem=strict
                ReadWritePaths=%s
                ProtectHome=read-only
                ProtectKernelModules=yes
                ProtectKernelTunables=yes
                ProtectKernelLogs=yes
                ProtectControlGroups=yes
                ProtectClock=yes
                ProtectHostname=yes
                PrivateDevices=yes
                RestrictNamespaces=yes
                RestrictRealtime=yes
                RestrictSUIDSGID=yes
                RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
                LockPersonality=yes
                SystemCallArchitectures=native
                LimitNOFILE=1048576
                UMask=0077

                [Install]
                WantedBy=multi-user.target
                """.formatted(
                        layout.instance(), wardenName(), wardenName(), user, user, commandLine(serve),
                        writable());
    }

    private String writable() {
        // A missing archive is the engine's to complain about, by name.
        return Stream.concat(
                        Stream.of(layout.engineDir(), layout.runDir()).map(Path::toString),
                        archive.stream().map(path -> "-" + path))
                .map(Units::quoted)
                .collect(Collectors.joining(" "));
    }

    private String environment() {
        return Map.of(
                        "ATOLL_HOME", dist.home(), "ATOLL_DIST", dist.directory(), "ATOLL_CACHE", dist.cache(),
                        "ATOLL_RUNSC", dist.runsc())
                .entrySet().stream()
                .map(entry -> "Environment=" + quoted(entry.getKey() + "=" + entry.getValue()))
                .sorted()
                .collect(Collectors.joining("\n"));
    }

    private static String commandLine(List<String> command) {
        var words = new ArrayList<String>();
        // Only here would it be a variable.
        command.forEach(word -> words.add(quoted(word.replace("$", "$$"))));
        return String.join(" ", words);
    }

    /** With what systemd would replace or split masked: systemd.service(5), "COMMAND LINES". */
    private static String quoted(String word) {
        String masked = word.replace("\\", "\\\\").replace("\"", "\\\"").replace("%", "%%");
        return masked.equals(word) && word.matches("[^\\s';]+") ? word : "\"" + masked + "\"";
    }
}
