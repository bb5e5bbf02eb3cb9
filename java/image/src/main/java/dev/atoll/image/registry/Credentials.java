package dev.atoll.image.registry;

import dev.atoll.domain.ImageException;
import dev.atoll.domain.ImageException.Reason;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.Optional;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Finds what a registry shall be told about who asks: the configuration's own, then docker's file. */
final class Credentials {
    private static final JsonMapper JSON = JsonMapper.shared();
    private static final int LARGEST = 1 << 20;
    /** What docker's file calls Docker Hub. */
    private static final String HUB_KEY = "https://index.docker.io/v1/";

    private final RegistrySettings settings;

    /** A user's name and password; the text form has no password. */
    record Login(String user, String password) {
        String basic() {
            byte[] both = (user + ":" + password).getBytes(StandardCharsets.UTF_8);
            return "Basic " + Base64.getEncoder().encodeToString(both);
        }

        @Override
        public String toString() {
            return user;
        }
    }

    Credentials(RegistrySettings settings) {
        this.settings = settings;
    }

    /** @throws ImageException when a file of the configuration cannot be read */
    Optional<Login> find(String registry) {
        Optional<RegistrySettings.Registry> own = settings.of(registry).filter(r -> r.passwordFile().isPresent());
        if (own.isPresent()) {
            String password = read(own.get().passwordFile().get()).strip();
            return Optional.of(new Login(own.get().user().orElse(""), password));
        }
        return settings.dockerConfig().flatMap(file -> inDockerConfig(file, registry));
    }

    private static Optional<Login> inDockerConfig(Path file, String registry) {
        JsonNode auths;
        try {
            auths = JSON.readTree(read(file)).path("auths");
        } catch (JacksonException e) {
            // What the parser shows of the text may be a password.
            throw new ImageException(Reason.REFUSED, "the credentials in " + file + " are not JSON");
        }
        JsonNode entry = auths.path(registry);
        if (entry.isMissingNode()) {
            entry = auths.path(registry.equals(ImageReference.DOCKER_HUB) ? HUB_KEY : "https://" + registry);
        }
        String auth = entry.path("auth").asString("");
        if (auth.isEmpty()) {
            return Optional.empty();
        }
        try {
            String both = new String(Base64.getDecoder().decode(auth), StandardCharsets.UTF_8);
            int colon = both.indexOf(':');
            if (colon > 0) {
                return Optional.of(new Login(both.substring(0, colon), both.substring(colon + 1)));
            }
        } catch (IllegalArgumentException e) {
            throw new ImageException(Reason.REFUSED, "the credentials of " + registry + " in " + file + " are not base64");
        }
        throw new ImageException(Reason.REFUSED, "the credentials of " + registry + " in " + file + " are not user:password");
    }

    private static String read(Path file) {
        try {
            if (Files.size(file) > LARGEST) {
                throw new ImageException(Reason.REFUSED, "the file of credentials " + file + " is too large");
            }
            return Files.readString(file);
        } catch (IOException e) {
            throw new ImageException(
                    Reason.REFUSED, "the file of credentials " + file + " cannot be read: " + e.getClass().getSimpleName());
        }
    }
}
