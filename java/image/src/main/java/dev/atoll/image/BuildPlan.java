package dev.atoll.image;

import dev.atoll.domain.ContextFile;
import dev.atoll.domain.Template;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * A Dockerfile with all variables replaced.
 *
 * @param steps in order, FROM first
 * @param config of the template that results
 * @param unusedArgs names of build arguments that no ARG declares
 */
public record BuildPlan(List<Step> steps, Template.Config config, Set<String> unusedArgs) {
    public BuildPlan {
        steps = List.copyOf(steps);
        unusedArgs = Set.copyOf(unusedArgs);
    }

    /**
     * One instruction.
     *
     * @param line of the file, from 1
     * @param heading the instruction as it is written, on one line
     * @param work what it does to the disk; empty = it only changes the configuration
     */
    public record Step(int line, String heading, Optional<Work> work) {}

    /** Something that changes the disk. */
    public sealed interface Work {
        /** Directories that WORKDIR instructions named since the work before; made when they are missing. */
        List<String> directories();
    }

    /**
     * A command that must succeed.
     *
     * @param env all of its environment but what the sandbox itself adds
     * @param user empty = root
     * @param workdir absolute
     */
    public record Run(
            List<String> directories, List<String> argv, Map<String, String> env, String user, String workdir)
            implements Work {
        public Run {
            directories = List.copyOf(directories);
            argv = List.copyOf(argv);
            env = Map.copyOf(env);
        }
    }

    /**
     * Files to be written.
     *
     * @param files in order; directories above them are made
     * @param owner {@code user[:group]}; empty = root
     */
    public record Copy(List<String> directories, List<Placed> files, Optional<String> owner) implements Work {
        public Copy {
            directories = List.copyOf(directories);
            files = List.copyOf(files);
        }
    }

    /** @param path absolute; @param mode permission bits that it gets */
    public record Placed(String path, int mode, ContextFile file) {}
}
