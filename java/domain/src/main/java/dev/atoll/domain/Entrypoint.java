package dev.atoll.domain;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The process that a sandbox was made for. It is started at every boot, before the create or start
 * returns, under the fixed id {@link #PROCESS}; its standard input is open, and its output is kept by
 * offset as every process's is, at its bound the oldest bytes are dropped.
 *
 * @param argv program and arguments; empty = neither caller nor template named one, nothing is started
 * @param tty the process has a terminal of this size
 * @param endsSandbox the sandbox is deleted when this process exits, and when the sandbox's first
 *     process is gone for another reason; its {@link Outcome} says how
 */
public record Entrypoint(List<String> argv, Optional<ProcessSpec.Tty> tty, boolean endsSandbox) {
    /** Names the process in every call of {@link Processes}. */
    public static final ProcessId PROCESS = new ProcessId("entrypoint");

    public Entrypoint {
        argv = List.copyOf(argv);
    }

    /**
     * What a caller asks for; the rules of OCI images apply: {@code entrypoint} replaces the
     * template's entrypoint and drops its command, {@code command} replaces the command.
     *
     * @param entrypoint empty = the template's
     * @param command empty = the template's, unless {@code entrypoint} is given
     */
    public record Request(
            Optional<List<String>> entrypoint,
            Optional<List<String>> command,
            Optional<ProcessSpec.Tty> tty,
            boolean endsSandbox) {
        public Request {
            entrypoint = entrypoint.map(List::copyOf);
            command = command.map(List::copyOf);
            entrypoint.ifPresent(Request::check);
            command.ifPresent(Request::check);
        }

        /** The bounds of {@link ProcessSpec#argv()}; an empty list is allowed. */
        private static void check(List<String> argv) {
            if (!argv.isEmpty()) {
                var unused = ProcessSpec.of(argv);
            }
        }

        /** What is started in a sandbox of this template. */
        public Entrypoint over(Template.Config config) {
            var argv = new ArrayList<>(entrypoint.orElse(config.entrypoint()));
            argv.addAll(command.orElse(entrypoint.isPresent() ? List.of() : config.command()));
            return new Entrypoint(argv, tty, endsSandbox);
        }
    }
}
