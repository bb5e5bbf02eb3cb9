package dev.atoll.image.registry;

import dev.atoll.domain.InvalidFieldException;
import java.net.URI;
import java.net.URISyntaxException;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * Names an image in a registry, as {@code github.com/distribution/reference} reads it: without a registry
 * it is Docker Hub's, a name of one part there is below {@code library/}, without tag and digest it is
 * {@code latest}.
 *
 * @param registry host, with a port when one was written
 * @param repository path below it
 * @param tag empty only when there is a digest
 * @param digest wins over the tag
 */
public record ImageReference(String registry, String repository, Optional<String> tag, Optional<Digest> digest) {
    static final String DOCKER_HUB = "docker.io";
    private static final String LIBRARY = "library/";
    private static final int LONGEST = 512;
    private static final int LARGEST_PORT = 65_535;
    private static final Pattern HOST =
            Pattern.compile("(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*|\\[[0-9A-Fa-f:]+\\])(?::[0-9]{1,5})?");
    private static final Pattern REPOSITORY =
            Pattern.compile("[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*)*");
    private static final Pattern TAG = Pattern.compile("[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}");
    private static final String FORM = "[registry[:port]/]repository[:tag][@sha256:<64 hexadecimal digits>]";

    /** @throws InvalidFieldException when the text is no reference */
    public static ImageReference parse(String text) {
        InvalidFieldException.requireLength("image", text, 1, LONGEST);
        String rest = text.strip();
        Optional<Digest> digest = Optional.empty();
        int at = rest.indexOf('@');
        if (at >= 0) {
            digest = Optional.of(Digest.find(rest.substring(at + 1)).orElseThrow(() -> invalid(text)));
            rest = rest.substring(0, at);
        }
        Optional<String> tag = Optional.empty();
        int colon = rest.lastIndexOf(':');
        if (colon > rest.lastIndexOf('/')) {
            tag = Optional.of(rest.substring(colon + 1));
            rest = rest.substring(0, colon);
        }
        if (tag.isEmpty() && digest.isEmpty()) {
            tag = Optional.of("latest");
        }
        String registry = DOCKER_HUB;
        int slash = rest.indexOf('/');
        if (slash > 0 && isHost(rest.substring(0, slash))) {
            registry = rest.substring(0, slash);
            rest = rest.substring(slash + 1);
        }
        registry = registry.equals("index.docker.io") || registry.equals("registry-1.docker.io") ? DOCKER_HUB : registry;
        if (registry.equals(DOCKER_HUB) && rest.indexOf('/') < 0) {
            rest = LIBRARY + rest;
        }
        boolean well = HOST.matcher(registry).matches()
                && isAddress(registry)
                && REPOSITORY.matcher(rest).matches()
                && tag.map(t -> TAG.matcher(t).matches()).orElse(true);
        if (!well) {
            throw invalid(text);
        }
        return new ImageReference(registry, rest, tag, digest);
    }

    private static boolean isHost(String first) {
        return first.indexOf('.') >= 0 || first.indexOf(':') >= 0 || first.equals("localhost")
                || first.chars().anyMatch(Character::isUpperCase);
    }

    /** Whether it can be connected to: the pattern of names takes ports and addresses that there are not. */
    private static boolean isAddress(String registry) {
        try {
            URI uri = new URI("https://" + registry);
            return uri.getHost() != null && uri.getPort() <= LARGEST_PORT;
        } catch (URISyntaxException e) {
            return false;
        }
    }

    private static InvalidFieldException invalid(String text) {
        return new InvalidFieldException("image", text, FORM);
    }

    /** What a registry is asked for: the digest, or the tag. */
    String version() {
        return digest.map(Digest::toString).or(() -> tag).orElseThrow();
    }

    /** Docker's short form: without what is understood, but with the tag. */
    @Override
    public String toString() {
        String name = registry.equals(DOCKER_HUB) ? repository : registry + "/" + repository;
        if (registry.equals(DOCKER_HUB) && repository.startsWith(LIBRARY)) {
            name = repository.substring(LIBRARY.length());
        }
        return name + tag.map(t -> ":" + t).orElse("") + digest.map(d -> "@" + d).orElse("");
    }
}
