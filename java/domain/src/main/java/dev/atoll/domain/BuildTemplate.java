package dev.atoll.domain;

import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A template to build. Built with {@link #of} and the {@code with} methods.
 *
 * @param dockerfile at most 1 MiB; which instructions are allowed is in docs/native-api.md
 * @param bases what FROM may name besides images and templates; looked at first
 * @param context the files that COPY finds
 * @param args values of ARG instructions; one that no ARG declares is told in the log
 * @param secrets environment of RUN steps: neither in the template nor in the log
 * @param force run every step, whatever the cache has
 * @param name of the template; an earlier one of the project of that name keeps its id and loses the name
 */
public record BuildTemplate(
        String dockerfile,
        Map<String, Source> bases,
        List<ContextFile> context,
        Map<String, String> args,
        List<EnvSource> secrets,
        boolean force,
        Optional<String> name,
        Optional<Integer> cpuMillis,
        Optional<Long> memoryBytes,
        Optional<Long> diskBytes) {
    /** The most files of one build. */
    public static final int MOST_FILES = 100_000;
    private static final int LONGEST = 1 << 20;

    public BuildTemplate {
        bases = Map.copyOf(bases);
        context = List.copyOf(context);
        args = Map.copyOf(args);
        secrets = List.copyOf(secrets);
        InvalidFieldException.requireLength("dockerfile", dockerfile, 1, LONGEST);
        InvalidFieldException.requireRange("context.size", context.size(), 0, MOST_FILES);
        InvalidFieldException.requireRange("secrets.size", secrets.size(), 0, 64);
        CreateSandbox.checkEnv(args);
        name.ifPresent(CreateSandbox::checkName);
    }

    /** A build of this Dockerfile with nothing besides. */
    public static BuildTemplate of(String dockerfile) {
        return new BuildTemplate(
                dockerfile, Map.of(), List.of(), Map.of(), List.of(), false, Optional.empty(), Optional.empty(),
                Optional.empty(), Optional.empty());
    }

    public BuildTemplate withBases(Map<String, Source> value) {
        return new BuildTemplate(
                dockerfile, value, context, args, secrets, force, name, cpuMillis, memoryBytes, diskBytes);
    }

    public BuildTemplate withContext(List<ContextFile> value) {
        return new BuildTemplate(dockerfile, bases, value, args, secrets, force, name, cpuMillis, memoryBytes, diskBytes);
    }

    public BuildTemplate withArgs(Map<String, String> value) {
        return new BuildTemplate(
                dockerfile, bases, context, value, secrets, force, name, cpuMillis, memoryBytes, diskBytes);
    }

    public BuildTemplate withSecrets(List<EnvSource> value) {
        return new BuildTemplate(dockerfile, bases, context, args, value, force, name, cpuMillis, memoryBytes, diskBytes);
    }

    public BuildTemplate withForce(boolean value) {
        return new BuildTemplate(
                dockerfile, bases, context, args, secrets, value, name, cpuMillis, memoryBytes, diskBytes);
    }

    public BuildTemplate withName(Optional<String> value) {
        return new BuildTemplate(
                dockerfile, bases, context, args, secrets, force, value, cpuMillis, memoryBytes, diskBytes);
    }

    public BuildTemplate withResources(Optional<Integer> cpu, Optional<Long> memory, Optional<Long> disk) {
        return new BuildTemplate(dockerfile, bases, context, args, secrets, force, name, cpu, memory, disk);
    }
}
