package dev.atoll.guest;

import java.util.List;
import java.util.Map;

/**
 * What a guest is told after every boot, and whenever it changes.
 *
 * @param generation of the sandbox; from now on in every hello of this guest
 * @param hostname empty = leave
 * @param env default environment of processes started later
 * @param user default user of processes and file operations; empty = root
 * @param workdir default directory, made when absent; empty = the user's home
 * @param entropy random bytes for the kernel's pool, at most 512
 * @param spoolLimit bound of one process's kept output, bytes
 * @param hosts lines of /etc/hosts
 * @param nameservers for /etc/resolv.conf; empty = leave
 * @param keptProcesses how many ended processes stay readable; 0 = 1,000
 */
public record GuestConfig(
        long generation,
        String hostname,
        Map<String, String> env,
        String user,
        String workdir,
        byte[] entropy,
        long spoolLimit,
        List<Host> hosts,
        List<String> nameservers,
        int keptProcesses) {
    public GuestConfig {
        env = Map.copyOf(env);
        hosts = List.copyOf(hosts);
        nameservers = List.copyOf(nameservers);
    }

    /** A line of /etc/hosts. */
    public record Host(String address, List<String> names) {
        public Host {
            names = List.copyOf(names);
        }
    }
}
