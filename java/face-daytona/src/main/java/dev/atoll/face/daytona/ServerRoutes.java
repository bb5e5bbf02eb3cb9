package dev.atoll.face.daytona;

import dev.atoll.domain.Node;
import dev.atoll.http.HttpException;
import dev.atoll.http.Request;
import dev.atoll.http.Response;
import dev.atoll.http.Router;
import java.util.Map;

/** {@code /api/health} and {@code /api/config}, which need no key. */
final class ServerRoutes {
    private static final int VENDOR_LONGEST_ARCHIVE_MINUTES = 43_200;

    private final DaytonaConfig config;
    private final Node node;
    private final PublicUrls urls;

    ServerRoutes(DaytonaConfig config, Node node, PublicUrls urls) {
        this.config = config;
        this.node = node;
        this.urls = urls;
    }

    private record Oidc(String issuer, String clientId, String audience) {}

    /** Every field that the vendor's DaytonaConfiguration requires; there is no login here. */
    private record Configuration(
            String version,
            Oidc oidc,
            boolean linkedAccountsEnabled,
            Map<String, Object> announcements,
            String proxyTemplateUrl,
            String proxyToolboxUrl,
            String defaultSnapshot,
            String dashboardUrl,
            int maxAutoArchiveInterval,
            boolean maintananceMode,
            String environment) {}

    void addTo(Router.Builder router) {
        router.get("/api/health", this::health).get("/api/config", this::configuration);
    }

    private Response health(Request request) {
        Node.Health health = node.health();
        if (!health.healthy()) {
            throw new HttpException(503, "unhealthy", health.detail().orElse("the node is not healthy"));
        }
        return Response.json(Map.of("status", "ok"));
    }

    private Response configuration(Request request) {
        return Response.json(new Configuration(
                node.capabilities().version(), new Oidc("", "", ""), false, Map.of(), "", urls.toolbox(request),
                config.defaultSnapshot(), "", VENDOR_LONGEST_ARCHIVE_MINUTES, false, "self-hosted"));
    }
}
