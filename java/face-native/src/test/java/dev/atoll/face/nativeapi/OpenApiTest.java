package dev.atoll.face.nativeapi;

import static org.assertj.core.api.Assertions.assertThat;

import dev.atoll.http.Route;
import java.lang.reflect.RecordComponent;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

class OpenApiTest {
    private static final Set<String> METHODS = Set.of("get", "put", "post", "patch", "delete", "head", "options");
    private static final JsonNode DOCUMENT = OpenApi.load();

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void documentAndRoutesAgreeInBothDirections(boolean openMetrics) {
        Set<Route> documented = DOCUMENT.path("paths").properties().stream()
                .flatMap(path -> path.getValue().properties().stream()
                        .filter(operation -> METHODS.contains(operation.getKey()))
                        .map(operation -> new Route(operation.getKey().toUpperCase(java.util.Locale.ROOT), path.getKey())))
                .collect(Collectors.toSet());
        assertThat(EdgeServer.router(openMetrics).routes()).doesNotHaveDuplicates();
        assertThat(Set.copyOf(EdgeServer.router(openMetrics).routes())).isEqualTo(documented);
    }

    static Map<String, Class<?>> records() {
        return Map.ofEntries(
                Map.entry("CreateRequest", SandboxRoutes.CreateRequest.class),
                Map.entry("LimitsRequest", SandboxRoutes.LimitsRequest.class),
                Map.entry("PatchRequest", SandboxRoutes.PatchRequest.class),
                Map.entry("StopRequest", SandboxRoutes.StopRequest.class),
                Map.entry("ForkRequest", SandboxRoutes.ForkRequest.class),
                Map.entry("HibernateRequest", SandboxRoutes.HibernateRequest.class),
                Map.entry("ExecRequest", ExecRequest.class),
                Map.entry("TtyRequest", ExecRequest.TtyRequest.class),
                Map.entry("ExecResponse", ExecRoutes.ExecResponse.class),
                Map.entry("Control", ProcessSocket.Control.class),
                Map.entry("SignalRequest", ProcessRoutes.SignalRequest.class),
                Map.entry("ResizeRequest", ProcessRoutes.ResizeRequest.class),
                Map.entry("WaitRequest", ProcessRoutes.WaitRequest.class),
                Map.entry("MkdirRequest", FileRoutes.MkdirRequest.class),
                Map.entry("RenameRequest", FileRoutes.RenameRequest.class),
                Map.entry("CopyRequest", FileRoutes.CopyRequest.class),
                Map.entry("ChmodRequest", FileRoutes.ChmodRequest.class),
                Map.entry("ChownRequest", FileRoutes.ChownRequest.class),
                Map.entry("SearchRequest", FileRoutes.SearchRequest.class),
                Map.entry("GlobRequest", FileRoutes.GlobRequest.class),
                Map.entry("ReplaceRequest", FileRoutes.ReplaceRequest.class),
                Map.entry("SnapshotRequest", SnapshotRoutes.SnapshotRequest.class),
                Map.entry("VolumeRequest", VolumeRoutes.VolumeRequest.class),
                Map.entry("Volume", VolumeRoutes.VolumeJson.class),
                Map.entry("Mount", VolumeRoutes.MountJson.class),
                Map.entry("TemplateRequest", TemplateRoutes.TemplateRequest.class),
                Map.entry("BuildRequest", BuildRoutes.BuildRequest.class),
                Map.entry("ContextFileRequest", BuildRoutes.ContextFileRequest.class),
                Map.entry("Build", BuildRoutes.BuildJson.class),
                Map.entry("BuildFailure", BuildRoutes.FailureJson.class),
                Map.entry("SecretRequest", SecretRoutes.SecretRequest.class),
                Map.entry("SecretPatch", SecretRoutes.SecretPatch.class),
                Map.entry("Secret", SecretRoutes.SecretJson.class),
                Map.entry("KeyRequest", KeyRoutes.KeyRequest.class),
                Map.entry("AuditRequest", NodeRoutes.AuditRequest.class),
                Map.entry("Rule", RuleJson.class),
                Map.entry("Network", NetworkJson.class),
                Map.entry("Egress", EgressRoutes.EgressJson.class),
                Map.entry("Denial", EgressRoutes.DenialJson.class),
                Map.entry("Sandbox", SandboxJson.class),
                Map.entry("Process", ProcessJson.class),
                Map.entry("Exit", ProcessJson.ExitJson.class),
                Map.entry("File", FileJson.class),
                Map.entry("Snapshot", SnapshotRoutes.SnapshotJson.class),
                Map.entry("Template", TemplateRoutes.TemplateJson.class),
                Map.entry("Key", KeyRoutes.KeyJson.class),
                Map.entry("Day", NodeRoutes.DayJson.class),
                Map.entry("Usage", NodeRoutes.UsageJson.class),
                Map.entry("Capabilities", NodeRoutes.CapabilitiesJson.class),
                Map.entry("Pool", dev.atoll.domain.Node.Pool.class),
                Map.entry("Error", NativeErrors.Envelope.class),
                Map.entry("ErrorDetail", NativeErrors.ErrorJson.class));
    }

    static Set<Map.Entry<String, Class<?>>> recordEntries() {
        return records().entrySet();
    }

    @ParameterizedTest
    @MethodSource("recordEntries")
    void aSchemaHasTheFieldsOfItsRecord(Map.Entry<String, Class<?>> entry) {
        Set<String> fields = Arrays.stream(entry.getValue().getRecordComponents())
                .map(RecordComponent::getName)
                .collect(Collectors.toCollection(TreeSet::new));
        JsonNode schema = schema(entry.getKey());
        assertThat(new TreeSet<>(schema.path("properties").propertyNames())).isEqualTo(fields);
        schema.path("required").forEach(name -> assertThat(fields).contains(name.asString()));
    }

    @Test
    void everyRequestBodyHasARecordAndItsSizeIsStated() {
        DOCUMENT.path("components").path("requestBodies").properties().forEach(body -> {
            assertThat(records()).containsKey(body.getKey());
            assertThat(body.getValue().path("description").asString()).startsWith("At most ");
            assertThat(schema(body.getKey()).path("additionalProperties").asBoolean(true)).isFalse();
        });
        assertThat(DOCUMENT.at("/components/requestBodies/ExecRequest/description").asString())
                .isEqualTo("At most " + (Input.MAX_EXEC_JSON_BYTES >> 20) + " MiB");
        assertThat(DOCUMENT.at("/components/requestBodies/BuildRequest/description").asString())
                .isEqualTo("At most " + (BuildRoutes.MAX_BUILD_JSON_BYTES >> 20) + " MiB");
        assertThat(DOCUMENT.at("/components/requestBodies/CreateRequest/description").asString())
                .isEqualTo("At most " + (Input.MAX_JSON_BYTES >> 20) + " MiB");
    }

    @Test
    void statedLimitsAreThoseOfTheDomain() {
        assertThat(schema("Name").path("maxLength").asInt()).isEqualTo(128);
        assertThat(schema("Env").path("maxProperties").asInt()).isEqualTo(1024);
        assertThat(schema("Labels").path("maxProperties").asInt()).isEqualTo(64);
        assertThat(schema("Path").path("maxLength").asInt()).isEqualTo(4096);
        JsonNode exec = schema("ExecRequest").path("properties");
        assertThat(exec.at("/argv/items/maxLength").asInt()).isEqualTo(dev.atoll.domain.ProcessSpec.MAX_ARGUMENT_BYTES);
        assertThat(exec.at("/command/maxLength").asInt()).isEqualTo(dev.atoll.domain.ProcessSpec.MAX_SCRIPT_BYTES);
        assertThat(exec.at("/maxOutputBytes/maximum").asInt()).isEqualTo(ExecRequest.MAX_MAX_OUTPUT);
        assertThat(exec.at("/maxOutputBytes/default").asInt()).isEqualTo(ExecRequest.DEFAULT_MAX_OUTPUT);
    }

    @Test
    void everyReferenceLeadsSomewhere() {
        List<String> broken = new ArrayList<>();
        DOCUMENT.findValues("$ref").forEach(reference -> {
            String pointer = reference.asString().substring(1);
            if (DOCUMENT.at(pointer).isMissingNode()) {
                broken.add(pointer);
            }
        });
        assertThat(broken).isEmpty();
    }

    @Test
    void everyPathParameterIsDeclared() {
        DOCUMENT.path("paths").properties().forEach(path -> {
            Set<String> declared = path.getValue().path("parameters").valueStream()
                    .map(p -> p.has("$ref") ? DOCUMENT.at(p.path("$ref").asString().substring(1)) : p)
                    .map(p -> p.path("name").asString())
                    .collect(Collectors.toSet());
            Set<String> named = Arrays.stream(path.getKey().split("/"))
                    .filter(s -> s.startsWith("{"))
                    .map(s -> s.substring(1, s.length() - 1))
                    .collect(Collectors.toSet());
            assertThat(declared).as(path.getKey()).isEqualTo(named);
        });
    }

    private static JsonNode schema(String name) {
        JsonNode schema = DOCUMENT.path("components").path("schemas").path(name);
        assertThat(schema.isMissingNode()).as("schema " + name).isFalse();
        return schema;
    }
}
