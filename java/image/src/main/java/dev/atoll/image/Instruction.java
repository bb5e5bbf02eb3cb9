package dev.atoll.image;

import dev.atoll.image.LogicalLines.Document;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * One instruction of a Dockerfile as it is written: variables are not replaced yet, since what they
 * stand for depends on the instructions before (https://docs.docker.com/reference/dockerfile/).
 */
sealed interface Instruction {
    /** Where it begins in the file, counted from 1. */
    int line();

    /** For a log: the instruction on one line. */
    String heading();

    /** {@code FROM image [AS name]} */
    record From(int line, String heading, String image, Optional<String> name) implements Instruction {}

    record Run(int line, String heading, Command command) implements Instruction {}

    /**
     * {@code COPY [--from=] [--chown=] [--chmod=] source… destination}, or ADD, which unpacks archives
     *
     * @param from a stage by name or number, or an image; empty = the context
     * @param documents here-documents that sources name by their markers
     * @param chown {@code user[:group]}, names or numbers
     * @param chmod permission bits
     */
    record Copy(
            int line,
            String heading,
            List<String> sources,
            String destination,
            Optional<String> from,
            Optional<String> chown,
            Optional<Integer> chmod,
            List<Document> documents,
            boolean unpacks)
            implements Instruction {}

    /** @param pairs text of {@code NAME=value …}, or {@code NAME value} */
    record Env(int line, String heading, String pairs) implements Instruction {}

    /** @param pairs as of {@link Env} */
    record Label(int line, String heading, String pairs) implements Instruction {}

    record Arg(int line, String heading, String name, Optional<String> value) implements Instruction {}

    record Workdir(int line, String heading, String path) implements Instruction {}

    record User(int line, String heading, String user) implements Instruction {}

    record Cmd(int line, String heading, Command command) implements Instruction {}

    record Entrypoint(int line, String heading, Command command) implements Instruction {}

    record Shell(int line, String heading, List<String> argv) implements Instruction {}

    record Expose(int line, String heading, String ports) implements Instruction {}

    /** What runtimes of images know and nothing here does: VOLUME, STOPSIGNAL, HEALTHCHECK, MAINTAINER. */
    record Noted(int line, String heading) implements Instruction {}

    /** A command in one of its two forms. */
    sealed interface Command {
        /** A line for the shell. */
        record OfShell(String text) implements Command {}

        /** A JSON array of program and arguments. */
        record OfExec(List<String> argv) implements Command {}

        /** What is executed. */
        default List<String> argv(List<String> shell) {
            return switch (this) {
                case OfExec exec -> exec.argv();
                case OfShell line ->
                    Stream.concat(shell.stream(), Stream.of(line.text())).toList();
            };
        }
    }
}
