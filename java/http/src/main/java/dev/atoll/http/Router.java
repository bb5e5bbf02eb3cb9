package dev.atoll.http;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Chooses a handler by method and path. A literal segment wins over a parameter. HEAD is answered
 * by the GET handler. No match is 404; a match of the path alone is 405 with Allow. Immutable.
 */
public final class Router implements Handler {
    private final Node root;
    private final List<Route> routes;

    private Router(Node root, List<Route> routes) {
        this.root = root;
        this.routes = List.copyOf(routes);
    }

    public static Builder builder() {
        return new Builder();
    }

    /** Every route, in the order they were added. */
    public List<Route> routes() {
        return routes;
    }

    @Override
    public Response handle(Request request) throws Exception {
        List<String> segments = request.segments();
        var search = new Search(segments, request.method().equals("HEAD") ? "GET" : request.method());
        Target target = search.find(root, 0);
        if (target == null) {
            throw search.failure(request);
        }
        request.setPathParameters(target.parameters(search.captured), target.pattern);
        return target.handler.handle(request);
    }

    /** Collects routes; not safe for several threads. */
    public static final class Builder {
        private final Node root = new Node();
        private final List<Route> routes = new ArrayList<>();
        private final List<Filter> filters = new ArrayList<>();

        private Builder() {}

        /** Stands before all routes that are added after this call; the first added runs first. */
        public Builder filter(Filter filter) {
            filters.add(filter);
            return this;
        }

        public Builder get(String pattern, Handler handler) {
            return add("GET", pattern, handler);
        }

        public Builder post(String pattern, Handler handler) {
            return add("POST", pattern, handler);
        }

        public Builder put(String pattern, Handler handler) {
            return add("PUT", pattern, handler);
        }

        public Builder patch(String pattern, Handler handler) {
            return add("PATCH", pattern, handler);
        }

        public Builder delete(String pattern, Handler handler) {
            return add("DELETE", pattern, handler);
        }

        /**
         * @param pattern segments that are literal or {@code {name}}; the last may be {@code {name*}}
         *     and takes one or more segments, joined by slashes
         * @throws IllegalArgumentException when the pattern is malformed or there is such a route
         */
        public Builder add(String method, String pattern, Handler handler) {
            Handler filtered = handler;
            for (int i = filters.size() - 1; i >= 0; i--) {
                filtered = filters.get(i).before(filtered);
            }
            root.insert(method, pattern, filtered);
            routes.add(new Route(method, pattern));
            return this;
        }

        public Router build() {
            return new Router(root, routes);
        }
    }

    private record Target(String pattern, List<String> names, Handler handler) {
        Map<String, String> parameters(List<String> captured) {
            Map<String, String> result = new LinkedHashMap<>();
            for (int i = 0; i < names.size(); i++) {
                result.put(names.get(i), captured.get(i));
            }
            return result;
        }
    }

    private static final class Node {
        final Map<String, Node> literals = new HashMap<>();
        @Nullable Node parameter;
        final Map<String, Target> here = new HashMap<>();
        final Map<String, Target> rest = new HashMap<>();

        void insert(String method, String pattern, Handler handler) {
            if (!pattern.startsWith("/")) {
                throw new IllegalArgumentException("pattern without leading slash: " + pattern);
            }
            Node node = this;
            List<String> names = new ArrayList<>();
            String[] segments = pattern.substring(1).split("/", -1);
            for (int i = 0; i < segments.length; i++) {
                String segment = segments[i];
                boolean braces = segment.startsWith("{") && segment.endsWith("}");
                boolean star = braces && segment.endsWith("*}");
                if (star && i < segments.length - 1) {
                    throw new IllegalArgumentException("{name*} before the end: " + pattern);
                }
                if (star) {
                    names.add(segment.substring(1, segment.length() - 2));
                    put(node.rest, method, new Target(pattern, List.copyOf(names), handler));
                    return;
                }
                if (braces) {
                    names.add(segment.substring(1, segment.length() - 1));
                    Node next = node.parameter;
                    if (next == null) {
                        next = new Node();
                        node.parameter = next;
                    }
                    node = next;
                } else {
                    node = node.literals.computeIfAbsent(segment, _ -> new Node());
                }
            }
            put(node.here, method, new Target(pattern, List.copyOf(names), handler));
        }

        private static void put(Map<String, Target> targets, String method, Target target) {
            if (targets.putIfAbsent(method, target) != null) {
                throw new IllegalArgumentException("two routes for " + method + " " + target.pattern);
            }
        }
    }

    /** One walk down the tree, with backtracking from literals to parameters. */
    private static final class Search {
        private final List<String> segments;
        private final String method;
        private final List<String> captured = new ArrayList<>();
        private final TreeSet<String> allowed = new TreeSet<>();

        Search(List<String> segments, String method) {
            this.segments = segments;
            this.method = method;
        }

        @Nullable Target find(Node node, int depth) {
            if (depth == segments.size()) {
                return pick(node.here);
            }
            String segment = segments.get(depth);
            Node literal = node.literals.get(segment);
            if (literal != null) {
                Target found = find(literal, depth + 1);
                if (found != null) {
                    return found;
                }
            }
            Node parameter = node.parameter;
            if (parameter != null && !segment.isEmpty()) {
                captured.add(segment);
                Target found = find(parameter, depth + 1);
                if (found != null) {
                    return found;
                }
                captured.removeLast();
            }
            Target found = segment.isEmpty() ? null : pick(node.rest);
            if (found != null) {
                captured.add(String.join("/", segments.subList(depth, segments.size())));
            }
            return found;
        }

        private @Nullable Target pick(Map<String, Target> targets) {
            Target target = targets.get(method);
            if (target == null) {
                allowed.addAll(targets.keySet());
            }
            return target;
        }

        HttpException failure(Request request) {
            if (allowed.isEmpty()) {
                return new HttpException(404, "no_such_route", "no route " + request.method() + " " + request.path());
            }
            if (allowed.contains("GET")) {
                allowed.add("HEAD");
            }
            String allow = String.join(", ", allowed);
            return new HttpException(
                    405,
                    "method_not_allowed",
                    request.method() + " is not possible on " + request.path() + "; allowed: " + allow,
                    Map.of("Allow", allow));
        }
    }
}
