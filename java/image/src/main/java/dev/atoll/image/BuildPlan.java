package dev.atoll.image;

import dev.atoll.domain.ContextFile;
import dev.atoll.domain.Template;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * One stage of a Dockerfile with all variables replaced.
 *
 * @param steps in order, FROM first
 * @param config of what results
 * @param usedArgs names of build arguments that the stage knows
 */
public record BuildPlan(List<Step> steps, Template.Config config, Set<String> usedArgs) {
    public BuildPlan {
        steps = List.copyOf(steps);
        usedArgs = Set.copyOf(usedArgs);
    }

    /**
     * One instruction.
     *
     * @param line of the file, from 1
     * @param heading the instruction as it is written, on one line
     * @param work what it does to the disk; empty = it only changes the configuration
     */
    public record Step(int line, String heading, Optional<Work> work) {}

    /** What a stage begins with, or files are taken from. */
    public sealed interface Base {
        /** Nothing at all. */
        record Scratch() implements Base {}

        /** An earlier stage, counted from 0. */
        record OfStage(int index) implements Base {}

        /** What is no stage. */
        record OfImage(String reference) implements Base {}
    }

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

    /**
     * @param path absolute
     * @param mode permission bits that it gets
     * @param unpackInto a directory, absolute, that its content goes into when it is an archive
     */
    public record Placed(String path, int mode, ContextFile file, Optional<String> unpackInto) {}

    /**
     * Files of another stage or image.
     *
     * @param sources absolute there; patterns with {@code * ? [ ]} that do not cross directories
     * @param destination absolute
     * @param into the destination is a directory, whatever the sources are
     * @param owner {@code user[:group]}; empty = root
     * @param mode permission bits of all; empty = their own
     */
    public record CopyFrom(
            List<String> directories,
            Base from,
            List<String> sources,
            String destination,
            boolean into,
            Optional<String> owner,
            Optional<Integer> mode)
            implements Work {
        public CopyFrom {
            directories = List.copyOf(directories);
            sources = List.copyOf(sources);
        }
    }
}
