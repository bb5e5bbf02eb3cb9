package dev.atoll.face.modal;

import com.google.protobuf.Empty;
import dev.atoll.domain.Caller;
import dev.atoll.face.modal.wire.AppGetOrCreateRequest;
import dev.atoll.face.modal.wire.AppGetOrCreateResponse;
import dev.atoll.face.modal.wire.AuthTokenGetRequest;
import dev.atoll.face.modal.wire.AuthTokenGetResponse;
import dev.atoll.face.modal.wire.ClientHelloResponse;
import dev.atoll.face.modal.wire.EnvironmentGetOrCreateRequest;
import dev.atoll.face.modal.wire.EnvironmentGetOrCreateResponse;
import dev.atoll.face.modal.wire.EnvironmentListItem;
import dev.atoll.face.modal.wire.EnvironmentListResponse;
import dev.atoll.face.modal.wire.EnvironmentMetadata;
import dev.atoll.face.modal.wire.EnvironmentSettings;
import dev.atoll.face.modal.wire.WorkspaceNameLookupResponse;
import dev.atoll.grpc.Call;
import dev.atoll.grpc.GrpcException;
import dev.atoll.grpc.Status;

/** What clients ask before they do anything: who they are, environments, apps. */
final class ServerCalls {
    /**
     * From this one on clients build images without files of the vendor's own; the next brings other
     * layers, which the clients in use do not know.
     */
    private static final String IMAGE_BUILDER = "2025.06";

    private static final int MAX_NAME = 64;

    private final Tokens tokens;

    ServerCalls(Tokens tokens) {
        this.tokens = tokens;
    }

    void addTo(Methods methods) {
        methods.control("ClientHello", Empty.parser(), (_, _, _) -> ClientHelloResponse.getDefaultInstance())
                .control("AuthTokenGet", AuthTokenGetRequest.parser(), this::token)
                .control("WorkspaceNameLookup", Empty.parser(), (caller, _, _) -> WorkspaceNameLookupResponse.newBuilder()
                        .setWorkspaceName(caller.project().value())
                        .setUsername(caller.project().value())
                        .build())
                .control("EnvironmentGetOrCreate", EnvironmentGetOrCreateRequest.parser(), this::environment)
                .control("EnvironmentList", Empty.parser(), (_, _, _) -> EnvironmentListResponse.newBuilder()
                        .addItems(EnvironmentListItem.newBuilder()
                                .setName(Environments.DEFAULT)
                                .setEnvironmentId(VendorIds.environment(Environments.DEFAULT)))
                        .build())
                .control("AppGetOrCreate", AppGetOrCreateRequest.parser(), this::app);
    }

    private AuthTokenGetResponse token(Caller caller, AuthTokenGetRequest request, Call call) {
        return AuthTokenGetResponse.newBuilder().setToken(tokens.ofCaller(caller)).build();
    }

    private EnvironmentGetOrCreateResponse environment(Caller caller, EnvironmentGetOrCreateRequest request, Call call) {
        String name = Environments.named(request.getDeploymentName());
        return EnvironmentGetOrCreateResponse.newBuilder()
                .setEnvironmentId(VendorIds.environment(name))
                .setMetadata(EnvironmentMetadata.newBuilder()
                        .setName(name)
                        .setSettings(EnvironmentSettings.newBuilder().setImageBuilderVersion(IMAGE_BUILDER)))
                .build();
    }

    /** An app is a name: every one exists, whatever of the ways to create it was asked for. */
    private AppGetOrCreateResponse app(Caller caller, AppGetOrCreateRequest request, Call call) {
        String name = request.getAppName();
        if (name.isEmpty() || name.length() > MAX_NAME) {
            throw new GrpcException(Status.INVALID_ARGUMENT, "app_name: 1 to " + MAX_NAME + " characters");
        }
        String environment = Environments.named(request.getEnvironmentName());
        return AppGetOrCreateResponse.newBuilder().setAppId(VendorIds.app(environment, name)).build();
    }
}
