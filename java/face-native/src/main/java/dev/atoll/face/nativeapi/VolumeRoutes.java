package dev.atoll.face.nativeapi;

import dev.atoll.domain.Volume;
import dev.atoll.domain.VolumeMount;
import dev.atoll.domain.Volumes;
import dev.atoll.http.Request;
import dev.atoll.http.Response;
import dev.atoll.http.Router;
import java.io.IOException;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/** File systems that several sandboxes mount. */
final class VolumeRoutes {
    private static final long DEFAULT_BYTES = 10L << 30;

    record VolumeJson(String id, String name, long sizeBytes, long usedBytes, Instant createdAt) {
        static VolumeJson of(Volume volume) {
            return new VolumeJson(
                    volume.id().value(), volume.name(), volume.sizeBytes(), volume.usedBytes(), volume.createdAt());
        }
    }

    /** A volume in a sandbox; {@code volume} is a name or an id in a create, an id in an answer. */
    record MountJson(Optional<String> volume, Optional<String> path, Optional<Boolean> readOnly, Optional<String> subpath) {
        static MountJson of(VolumeMount mount) {
            return new MountJson(
                    Optional.of(mount.volume().value()),
                    Optional.of(mount.path()),
                    Optional.of(mount.readOnly()),
                    Optional.of(mount.subpath()).filter(path -> !path.isEmpty()));
        }

        VolumeMount.Request request() {
            return new VolumeMount.Request(
                    Input.require("volumes.volume", volume),
                    Input.require("volumes.path", path),
                    readOnly.orElse(false),
                    subpath.orElse(""));
        }
    }

    record VolumeRequest(Optional<String> name, Optional<Long> sizeBytes) {}

    record ListJson(List<VolumeJson> volumes) {}

    private final Volumes volumes;

    VolumeRoutes(Volumes volumes) {
        this.volumes = volumes;
    }

    void addTo(Router.Builder router) {
        router.post("/v1/volumes", this::create)
                .get("/v1/volumes", this::list)
                .get("/v1/volumes/{volume}", this::get)
                .delete("/v1/volumes/{volume}", this::delete);
    }

    private Response create(Request request) throws IOException {
        VolumeRequest in = Input.json(request, VolumeRequest.class);
        Volume made = volumes.create(
                Authentication.caller(request),
                Input.require("name", in.name()),
                in.sizeBytes().orElse(DEFAULT_BYTES));
        return Response.json(VolumeJson.of(made)).withStatus(201).with("Location", "/v1/volumes/" + made.id());
    }

    private Response list(Request request) {
        var all = volumes.list(Authentication.caller(request));
        return Response.json(new ListJson(all.stream().map(VolumeJson::of).toList()));
    }

    private Response get(Request request) {
        return Response.json(VolumeJson.of(
                volumes.get(Authentication.caller(request), request.pathParameter("volume"))));
    }

    private Response delete(Request request) {
        var caller = Authentication.caller(request);
        volumes.delete(caller, volumes.get(caller, request.pathParameter("volume")).id());
        return Response.noContent();
    }
}
