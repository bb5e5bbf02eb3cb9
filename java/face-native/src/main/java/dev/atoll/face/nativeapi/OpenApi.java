package dev.atoll.face.nativeapi;

import dev.atoll.http.Json;
import dev.atoll.http.Response;
import dev.atoll.http.Router;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Objects;
import tools.jackson.databind.JsonNode;
import tools.jackson.dataformat.yaml.YAMLMapper;

/** The document that describes this API; written by hand in {@code openapi.yaml}. */
final class OpenApi {
    /** Read when first asked for: a YAML parser is slow to start. */
    private static final class Document {
        static final byte[] JSON = Json.LENIENT.write(load());

        private Document() {}
    }

    private OpenApi() {}

    static void addTo(Router.Builder router) {
        router.get("/openapi.json", _ -> Response.bytes("application/json", Document.JSON));
    }

    static JsonNode load() {
        try (InputStream in = Objects.requireNonNull(OpenApi.class.getResourceAsStream("/openapi.yaml"))) {
            return new YAMLMapper().readTree(in);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
