package dev.atoll.engine;

import dev.atoll.domain.BuildTemplate;
import dev.atoll.domain.LayerId;
import dev.atoll.domain.ProjectId;
import dev.atoll.domain.SnapshotId;
import dev.atoll.domain.Template;
import dev.atoll.image.BuildPlan;
import dev.atoll.image.registry.Digest;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import tools.jackson.databind.json.JsonMapper;

/**
 * Names what a step leaves by all that it depends on: the project, what it stands on, itself and its
 * inputs. Secrets are in it as a digest that only this node can make.
 */
final class BuildKeys {
    private static final JsonMapper JSON = JsonMapper.shared();

    private final String project;
    private final String secrets;

    /** @param secrets a digest of the secret environment, empty = there is none */
    BuildKeys(ProjectId project, String secrets) {
        this.project = project.value();
        this.secrets = secrets;
    }

    /** Of what a build begins with. */
    String base(List<LayerId> layers, Optional<SnapshotId> snapshot) {
        return hash("base", layers.stream().map(LayerId::value).toList(), snapshot.map(SnapshotId::value).orElse(""));
    }

    /** @param from of what a COPY takes its files from; empty for other work */
    String step(String parent, BuildPlan.Work work, String from) {
        return switch (work) {
            case BuildPlan.Run run -> hash(
                    "run", parent, run.directories(), run.argv(), new TreeMap<>(run.env()), run.user(), run.workdir(),
                    secrets);
            case BuildPlan.Copy copy -> hash(
                    "copy", parent, copy.directories(), copy.owner().orElse(""),
                    copy.files().stream()
                            .map(placed -> List.of(
                                    placed.path(), placed.mode(), placed.file().kind().name(), placed.file().sha256(),
                                    placed.unpackInto().orElse("")))
                            .toList());
            case BuildPlan.CopyFrom copy -> hash(
                    "from", parent, copy.directories(), from, copy.sources(), copy.destination(), copy.into(),
                    copy.owner().orElse(""), copy.mode().orElse(-1));
        };
    }

    /** Of what somebody asks for, before anything of it was looked up. */
    String request(BuildTemplate spec) {
        return hash(
                "request", spec.dockerfile(), new TreeMap<>(spec.args()), spec.name().orElse(""),
                new TreeMap<>(spec.bases().entrySet().stream().collect(Collectors.toMap(Map.Entry::getKey, e -> e.getValue().toString()))),
                spec.context().stream().map(f -> List.of(f.path(), f.mode(), f.kind().name(), f.sha256())).toList(), secrets);
    }

    /** Of a template: where its disk ends up and what it says about processes. */
    String template(String disk, Template.Config config) {
        Map<String, Object> all = new TreeMap<>(Map.of(
                "env", new TreeMap<>(config.env()),
                "user", config.user(),
                "workdir", config.workdir(),
                "entrypoint", config.entrypoint(),
                "command", config.command(),
                "shell", config.shell(),
                "labels", new TreeMap<>(config.labels()),
                "ports", new TreeSet<>(config.exposedPorts())));
        return hash("template", disk, all);
    }

    /**
     * Of a layer of an image over those below it, for all projects: what it leaves depends on nothing but
     * the content that its digest names.
     *
     * @param parent empty = nothing lies below
     */
    static String layer(String parent, Digest layer) {
        return sha256(JSON.writeValueAsString(List.of("image", parent, layer.hex())));
    }

    /** Of a template made of an image. */
    static String image(Digest manifest) {
        return sha256(JSON.writeValueAsString(List.of("image", manifest.hex())));
    }

    private String hash(Object... parts) {
        return sha256(JSON.writeValueAsString(List.of(project, List.of(parts))));
    }

    private static String sha256(String json) {
        byte[] text = json.getBytes(StandardCharsets.UTF_8);
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(text));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has SHA-256", e);
        }
    }
}
