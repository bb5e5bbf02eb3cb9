package dev.atoll.app.run;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * The directory that holds all data of one instance. It says whose it is, so that neither a wrong
 * {@code --instance} nor a wrong {@code node.state_dir} lets a command use or delete other data.
 */
record StateDir(Path path, String instance) {
    private static final String MARK = "instance";

    /** Writes the instance's name into it; idempotent. @throws OperatorException when it is another's */
    void claim() {
        requireOwn();
        Path mark = path.resolve(MARK);
        if (!Files.exists(mark)) {
            AtomicFile.write(mark, instance + "\n", "rw-r--r--");
        }
    }

    /** @throws OperatorException unless it is this instance's, or not there, or empty, or of nobody yet */
    void requireOwn() {
        owner().filter(owner -> !owner.equals(instance)).ifPresent(owner -> {
            throw new OperatorException("node.state_dir is " + path + ", which belongs to instance '" + owner
                    + "', not to '" + instance + "': give --instance " + owner
                    + ", or the configuration with which '" + instance + "' was started");
        });
    }

    /** Deletes it with everything in it. @throws OperatorException unless it is marked as this instance's */
    void delete() {
        requireOwn();
        if (!Files.isDirectory(path)) {
            return;
        }
        if (owner().isEmpty() && !isEmpty()) {
            throw new OperatorException("node.state_dir is " + path + ", which no instance of Atoll has used; nothing was deleted");
        }
        Commands.output("rm", "-rf", "--one-file-system", path.toString());
    }

    private boolean isEmpty() {
        try (Stream<Path> entries = Files.list(path)) {
            return entries.findAny().isEmpty();
        } catch (IOException e) {
            throw new UncheckedIOException("cannot list " + path, e);
        }
    }

    private Optional<String> owner() {
        Path mark = path.resolve(MARK);
        try {
            return Files.exists(mark) ? Optional.of(Files.readString(mark).strip()) : Optional.empty();
        } catch (IOException e) {
            throw new UncheckedIOException("cannot read " + mark, e);
        }
    }
}
