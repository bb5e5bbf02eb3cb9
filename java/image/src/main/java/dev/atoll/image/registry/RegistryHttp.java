package dev.atoll.image.registry;

import dev.atoll.domain.ImageException;
import dev.atoll.domain.ImageException.Reason;
import dev.atoll.image.registry.Authorizations.Authorization;
import dev.atoll.image.registry.Credentials.Login;
import java.io.IOException;
import java.io.InputStream;
import java.net.ConnectException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpConnectTimeoutException;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpTimeoutException;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import javax.net.ssl.SSLException;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

/**
 * Asks registries, with tokens and passwords as they want. Redirects are followed here: what a registry
 * was told to know us by goes nowhere else. Safe from any thread; blocks.
 */
final class RegistryHttp implements AutoCloseable {
    private static final int MOST_REDIRECTS = 5;
    private static final int LARGEST_TOKEN = 64 << 10;
    private static final int LARGEST_PORT = 65_535;
    /** A token that says nothing of its time is good for so long (distribution specification, token.md). */
    private static final int TOKEN_SECONDS = 60;

    private static final Duration TOKEN_RESERVE = Duration.ofSeconds(10);

    private final RegistrySettings settings;
    private final Credentials credentials;
    private final Clock clock;
    private final HttpClient client;
    private final Authorizations known;

    RegistryHttp(RegistrySettings settings, Clock clock) {
        this.settings = settings;
        this.credentials = new Credentials(settings);
        this.clock = clock;
        this.known = new Authorizations(clock);
        // Downloads go on beside each other, each with the kernel's own flow control.
        this.client = HttpClient.newBuilder()
                .version(HttpClient.Version.HTTP_1_1)
                .followRedirects(HttpClient.Redirect.NEVER)
                .connectTimeout(settings.connectTimeout())
                .build();
    }

    /** An answer; to be closed. */
    record Answer(int status, Map<String, List<String>> headers, InputStream body) implements AutoCloseable {
        Optional<String> header(String name) {
            return headers.getOrDefault(name, List.of()).stream().findFirst();
        }

        @Override
        public void close() {
            try {
                body.close();
            } catch (IOException e) {
                // It was read as far as somebody wanted.
            }
        }
    }

    /**
     * GET of something of a repository. Every status but those of success is an exception, save 416.
     *
     * @param path behind {@code /v2/<repository>/}
     * @param from offset of the first byte, 0 = all
     * @param pace that the answer has to keep
     */
    Answer get(ImageReference image, String path, String accept, long from, Pace pace) {
        URI uri = URI.create(base(image.registry()) + "/v2/" + image.repository() + "/" + path);
        refuseUnnamed(image.registry(), uri);
        String key = image.registry() + "/" + image.repository();
        Answer answer = follow(image, uri, accept, from, known.find(key).map(Authorization::header), pace);
        if (answer.status() == 401) {
            answer.close();
            Authorization fresh = authorize(image, answer.headers().getOrDefault("www-authenticate", List.of()));
            known.put(key, fresh);
            answer = follow(image, uri, accept, from, Optional.of(fresh.header()), pace);
        }
        return checked(image, path, answer);
    }

    /** Whether there is anybody; who may do what is another matter. */
    boolean answers(String registry) {
        URI uri = URI.create(base(registry) + "/v2/");
        try {
            refuseUnnamed(registry, uri);
            HttpRequest request = HttpRequest.newBuilder(uri).timeout(settings.stallTimeout()).build();
            send(registry, request, Pace.ofDocument(clock)).close();
            return true;
        } catch (ImageException e) {
            return false;
        }
    }

    private String base(String registry) {
        String host = registry.equals(ImageReference.DOCKER_HUB) ? "registry-1.docker.io" : registry;
        return (isPlain(registry) ? "http://" : "https://") + host;
    }

    private boolean isPlain(String registry) {
        return settings.of(registry).map(RegistrySettings.Registry::plainHttp).orElse(false);
    }

    private void refuseUnnamed(String registry, URI uri) {
        if (settings.of(registry).isPresent()) {
            return;
        }
        if (!settings.open()) {
            throw new ImageException(
                    Reason.REFUSED, "images of " + registry + " may not be used; allowed are those of images.registries");
        }
        Addresses.requirePublic(uri);
    }

    private Answer follow(
            ImageReference image, URI first, String accept, long from, Optional<String> authorization, Pace pace) {
        URI uri = first;
        for (int redirects = 0; redirects <= MOST_REDIRECTS; redirects++) {
            HttpRequest.Builder request = HttpRequest.newBuilder(uri).timeout(settings.stallTimeout()).header("Accept", accept);
            if (from > 0) {
                request.header("Range", "bytes=" + from + "-");
            }
            if (isSame(uri, first)) {
                authorization.ifPresent(value -> request.header("Authorization", value));
            }
            Answer answer = send(image.registry(), request.build(), pace);
            if (answer.status() < 300 || answer.status() > 308 || answer.status() == 304) {
                return answer;
            }
            answer.close();
            uri = target(image, uri, answer);
        }
        throw new ImageException(Reason.MALFORMED, "registry " + image.registry() + " redirects more than " + MOST_REDIRECTS + " times");
    }

    private URI target(ImageReference image, URI from, Answer answer) {
        String location = answer.header("location")
                .orElseThrow(() -> new ImageException(
                        Reason.MALFORMED, "registry " + image.registry() + " redirects without saying where to"));
        URI to;
        try {
            to = from.resolve(location);
        } catch (IllegalArgumentException e) {
            throw new ImageException(Reason.MALFORMED, "registry " + image.registry() + " redirects to what is no address");
        }
        requireSafe(image.registry(), to);
        return to;
    }

    /** Another place that a registry sends us to: as safe as itself. */
    private void requireSafe(String registry, URI to) {
        boolean plain = isPlain(registry) && "http".equals(to.getScheme());
        if (to.getHost() == null || !plain && !"https".equals(to.getScheme())) {
            throw new ImageException(Reason.REFUSED, "registry " + registry + " leads to an address without TLS");
        }
        if (to.getPort() > LARGEST_PORT) {
            throw new ImageException(Reason.MALFORMED, "registry " + registry + " leads to port " + to.getPort() + ", which there is not");
        }
        boolean itself = to.getAuthority().equals(URI.create(base(registry)).getAuthority());
        if (!itself && settings.of(to.getAuthority()).isEmpty()) {
            Addresses.requirePublic(to);
        }
    }

    private static boolean isSame(URI a, URI b) {
        return a.getScheme().equals(b.getScheme()) && a.getAuthority().equals(b.getAuthority());
    }

    private Answer send(String registry, HttpRequest request, Pace pace) {
        try {
            HttpResponse<InputStream> response = client.send(request, HttpResponse.BodyHandlers.ofInputStream());
            return new Answer(
                    response.statusCode(), response.headers().map(),
                    new StallGuard(response.body(), settings.stallTimeout(), pace));
        } catch (HttpConnectTimeoutException e) {
            throw unreachable(registry, "no connection within " + settings.connectTimeout().toMillis() + " ms", e);
        } catch (HttpTimeoutException e) {
            throw new ImageException(
                    Reason.STALLED,
                    "registry " + registry + " sent no answer within " + settings.stallTimeout().toMillis() + " ms", e);
        } catch (ConnectException e) {
            throw unreachable(registry, "no connection", e);
        } catch (SSLException e) {
            throw unreachable(registry, "no TLS: " + reason(e), e);
        } catch (IOException e) {
            throw new ImageException(
                    Reason.CUT, "the connection to registry " + registry + " broke before an answer came: " + reason(e), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw unreachable(registry, "interrupted", e);
        }
    }

    private static ImageException unreachable(String registry, String how, Exception cause) {
        return new ImageException(Reason.UNREACHABLE, "registry " + registry + " cannot be reached: " + how, cause);
    }

    static String reason(Exception e) {
        return e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
    }

    private Answer checked(ImageReference image, String path, Answer answer) {
        int status = answer.status();
        if (status == 200 || status == 206 || status == 416) {
            return answer;
        }
        answer.close();
        throw switch (status) {
            case 401, 403 -> new ImageException(
                    Reason.REFUSED, "registry " + image.registry() + " refuses access to " + image + " (" + status + "); it may not exist");
            case 404 -> path.startsWith("blobs/")
                    ? new ImageException(
                            Reason.MALFORMED, "registry " + image.registry() + " does not have " + path + " of image " + image)
                    : new ImageException(Reason.UNKNOWN, "image '" + image + "' not found in registry " + image.registry());
            case 429 -> new ImageException(
                    Reason.UNREACHABLE, "registry " + image.registry() + " says that it was asked too often (429)");
            default -> new ImageException(
                    status >= 500 ? Reason.UNREACHABLE : Reason.MALFORMED,
                    "registry " + image.registry() + " answered with status " + status + " for " + image);
        };
    }

    private Authorization authorize(ImageReference image, List<String> challenges) {
        Optional<Login> login = credentials.find(image.registry());
        Challenge challenge = Challenge.find(challenges)
                .orElseThrow(() -> new ImageException(
                        Reason.REFUSED, "registry " + image.registry() + " wants to be asked in a way that is not known here"));
        if (challenge.scheme().equals("basic")) {
            String header = login.orElseThrow(() -> new ImageException(
                            Reason.REFUSED, "registry " + image.registry() + " wants credentials for " + image
                                    + " and there are none; an operator names them under images.registries"))
                    .basic();
            return new Authorization(header, Instant.MAX);
        }
        return token(image, challenge.parameters(), login);
    }

    private Authorization token(ImageReference image, Map<String, String> challenge, Optional<Login> login) {
        URI uri = tokenUri(image, challenge);
        requireSafe(image.registry(), uri);
        HttpRequest.Builder request = HttpRequest.newBuilder(uri).timeout(settings.stallTimeout()).header("Accept", "application/json");
        login.ifPresent(l -> request.header("Authorization", l.basic()));
        try (Answer answer = send(image.registry(), request.build(), Pace.ofDocument(clock))) {
            if (answer.status() != 200) {
                throw new ImageException(
                        answer.status() >= 500 || answer.status() == 429 ? Reason.UNREACHABLE : Reason.REFUSED,
                        "the token service of registry " + image.registry() + " refuses "
                                + login.map(l -> "user " + l).orElse("callers without credentials") + " (" + answer.status() + ")");
            }
            JsonNode body = Documents.JSON.readTree(answer.body().readNBytes(LARGEST_TOKEN));
            String token = body.path("token").asString(body.path("access_token").asString(""));
            if (token.isEmpty() || token.chars().anyMatch(c -> c <= ' ' || c > '~')) {
                throw new ImageException(Reason.MALFORMED, "the token service of registry " + image.registry() + " gives no token");
            }
            long seconds = Math.clamp(body.path("expires_in").asLong(TOKEN_SECONDS), TOKEN_SECONDS, 86_400);
            return new Authorization("Bearer " + token, clock.instant().plusSeconds(seconds).minus(TOKEN_RESERVE));
        } catch (StallGuard.StalledException e) {
            throw new ImageException(
                    Reason.STALLED, "the token service of registry " + image.registry() + " stalls: " + e.getMessage(), e);
        } catch (JacksonException | IOException e) {
            // What the parser shows of the text may be a token.
            throw new ImageException(Reason.MALFORMED, "the token service of registry " + image.registry() + " does not answer with JSON");
        }
    }

    private static URI tokenUri(ImageReference image, Map<String, String> challenge) {
        String realm = challenge.getOrDefault("realm", "");
        var uri = new StringBuilder(realm).append(realm.indexOf('?') < 0 ? '?' : '&');
        String service = challenge.get("service");
        if (service != null) {
            uri.append("service=").append(encoded(service)).append('&');
        }
        uri.append("scope=").append(encoded(challenge.getOrDefault("scope", "repository:" + image.repository() + ":pull")));
        try {
            return URI.create(uri.toString());
        } catch (IllegalArgumentException e) {
            throw new ImageException(Reason.MALFORMED, "registry " + image.registry() + " names a token service that is no address");
        }
    }

    private static String encoded(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8);
    }

    @Override
    public void close() {
        client.shutdownNow();
    }
}
