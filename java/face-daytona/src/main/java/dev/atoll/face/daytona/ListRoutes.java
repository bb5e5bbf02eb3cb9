package dev.atoll.face.daytona;

import com.fasterxml.jackson.annotation.JsonInclude;
import dev.atoll.domain.Caller;
import dev.atoll.domain.Page;
import dev.atoll.domain.Sandbox;
import dev.atoll.domain.SandboxQuery;
import dev.atoll.domain.SandboxState;
import dev.atoll.domain.Sandboxes;
import dev.atoll.domain.UnsupportedException;
import dev.atoll.http.InvalidInputException;
import dev.atoll.http.Json;
import dev.atoll.http.Request;
import dev.atoll.http.Response;
import dev.atoll.http.Router;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.type.TypeReference;

/** The two lists of sandboxes: by cursor (SDKs since 0.19x) and by page number (before). */
final class ListRoutes {
    private static final int MAX_LIMIT = 200;
    private static final int DEFAULT_LIMIT = 100;
    private static final int MAX_PAGE = 100_000;

    /** What may stand in the query; anything else would be ignored in silence. */
    private static final Set<String> OFFERED = Set.of(
            "cursor", "page", "limit", "labels", "name", "states", "sort", "order", "verbose", "includeErroredDeleted");

    private static final TypeReference<@Nullable Map<String, @Nullable String>> MAP_OF_TEXTS = new TypeReference<>() {};

    private final Sandboxes sandboxes;
    private final PublicUrls urls;

    ListRoutes(Sandboxes sandboxes, PublicUrls urls) {
        this.sandboxes = sandboxes;
        this.urls = urls;
    }

    private record ByCursor(
            List<VendorSandbox> items, @JsonInclude(JsonInclude.Include.ALWAYS) @Nullable String nextCursor) {}

    private record ByPage(List<VendorSandbox> items, long total, long page, long totalPages) {}

    void addTo(Router.Builder router) {
        router.get("/api/sandbox", this::byCursor).get("/api/sandbox/paginated", this::byPage);
    }

    private Response byCursor(Request request) {
        Optional<SandboxQuery> query = query(request);
        if (query.isEmpty()) {
            return Response.json(new ByCursor(List.of(), null));
        }
        Page<Sandbox> page = sandboxes.list(Authentication.caller(request), query.get());
        return Response.json(new ByCursor(items(request, page), page.next().orElse(null)));
    }

    private Response byPage(Request request) {
        long number = request.queryLong("page", 1, MAX_PAGE).orElse(1);
        Optional<SandboxQuery> query = query(request);
        if (query.isEmpty()) {
            return Response.json(new ByPage(List.of(), 0, number, 0));
        }
        Page<Sandbox> page = page(Authentication.caller(request), query.get(), number);
        long limit = query.get().limit();
        return Response.json(new ByPage(items(request, page), page.total(), number, (page.total() + limit - 1) / limit));
    }

    /** Walks to the page; one behind the last is empty. */
    private Page<Sandbox> page(Caller caller, SandboxQuery query, long number) {
        Page<Sandbox> page = sandboxes.list(caller, query);
        for (long at = 1; at < number; at++) {
            if (page.next().isEmpty()) {
                return new Page<>(List.of(), Optional.empty(), page.total());
            }
            SandboxQuery next =
                    new SandboxQuery(query.labels(), query.states(), query.namePrefix(), query.limit(), page.next());
            page = sandboxes.list(caller, next);
        }
        return page;
    }

    private List<VendorSandbox> items(Request request, Page<Sandbox> page) {
        String toolbox = urls.toolbox(request);
        return page.items().stream().map(s -> VendorSandbox.of(s, toolbox)).toList();
    }

    /** Empty when no sandbox can match: a state that ours never rest in. */
    private static Optional<SandboxQuery> query(Request request) {
        for (var parameter : request.queryParameters().entrySet()) {
            if (!OFFERED.contains(parameter.getKey())) {
                throw new UnsupportedException(
                        "the query parameter " + parameter.getKey() + " is not offered by this server");
            }
        }
        requireNewestFirst(request);
        Set<SandboxState> states = EnumSet.noneOf(SandboxState.class);
        List<String> words = request.queryAll("states").stream().flatMap(w -> List.of(w.split(",")).stream()).toList();
        for (String word : words) {
            states.addAll(VendorState.selectedBy(word));
        }
        if (!words.isEmpty() && states.isEmpty()) {
            return Optional.empty();
        }
        return Optional.of(new SandboxQuery(
                labels(request),
                states,
                request.query("name").filter(n -> !n.isEmpty()),
                (int) request.queryLong("limit", 1, MAX_LIMIT).orElse(DEFAULT_LIMIT),
                request.query("cursor").filter(c -> !c.isEmpty())));
    }

    private static void requireNewestFirst(Request request) {
        String sort = request.query("sort").orElse("createdAt");
        String order = request.query("order").orElse("desc");
        if (!sort.equals("createdAt") || !order.equals("desc")) {
            throw new UnsupportedException("lists are sorted by createdAt, desc; sort=" + sort + "&order=" + order
                    + " is not offered by this server");
        }
    }

    private static Map<String, String> labels(Request request) {
        Optional<String> text = request.query("labels").filter(l -> !l.isEmpty());
        if (text.isEmpty()) {
            return Map.of();
        }
        try {
            // The SDK sends the text null when no labels are asked for.
            return TextMaps.of("query.labels", Json.LENIENT.mapper().readValue(text.get(), MAP_OF_TEXTS));
        } catch (JacksonException e) {
            throw new InvalidInputException("query.labels", text.get(), "a JSON object of texts");
        }
    }
}
