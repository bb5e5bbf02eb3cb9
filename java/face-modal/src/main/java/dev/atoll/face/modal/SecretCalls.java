package dev.atoll.face.modal;

import com.google.protobuf.Empty;
import dev.atoll.domain.Caller;
import dev.atoll.domain.Secret;
import dev.atoll.domain.Secrets;
import dev.atoll.domain.Secrets.IfTaken;
import dev.atoll.face.modal.wire.SecretDeleteRequest;
import dev.atoll.face.modal.wire.SecretGetOrCreateRequest;
import dev.atoll.face.modal.wire.SecretGetOrCreateResponse;
import dev.atoll.face.modal.wire.SecretListItem;
import dev.atoll.face.modal.wire.SecretListRequest;
import dev.atoll.face.modal.wire.SecretListResponse;
import dev.atoll.face.modal.wire.SecretMetadata;
import dev.atoll.grpc.Call;
import dev.atoll.grpc.GrpcException;
import dev.atoll.grpc.Status;
import java.util.List;

/** {@code Secret*}. A secret's name belongs to an environment: in all but the default one, ours begins with it. */
final class SecretCalls {
    private static final String SEPARATOR = ".env.";

    private final Secrets secrets;

    SecretCalls(Secrets secrets) {
        this.secrets = secrets;
    }

    void addTo(Methods methods) {
        methods.control("SecretGetOrCreate", SecretGetOrCreateRequest.parser(), this::getOrCreate)
                .control("SecretList", SecretListRequest.parser(), this::list)
                .control("SecretDelete", SecretDeleteRequest.parser(), this::delete);
    }

    private SecretGetOrCreateResponse getOrCreate(Caller caller, SecretGetOrCreateRequest request, Call call) {
        Secret secret = switch (request.getObjectCreationType()) {
            case OBJECT_CREATION_TYPE_UNSPECIFIED -> existing(caller, request);
            case OBJECT_CREATION_TYPE_CREATE_IF_MISSING -> create(caller, request, IfTaken.KEEP);
            case OBJECT_CREATION_TYPE_CREATE_FAIL_IF_EXISTS -> create(caller, request, IfTaken.REFUSE);
            case OBJECT_CREATION_TYPE_CREATE_OVERWRITE_IF_EXISTS -> create(caller, request, IfTaken.REPLACE);
            case OBJECT_CREATION_TYPE_ANONYMOUS_OWNED_BY_APP, OBJECT_CREATION_TYPE_EPHEMERAL ->
                secrets.createEphemeral(caller, request.getEnvDictMap());
            case UNRECOGNIZED ->
                throw new GrpcException(Status.INVALID_ARGUMENT, "object_creation_type is unknown");
        };
        return SecretGetOrCreateResponse.newBuilder()
                .setSecretId(VendorIds.secret(secret.id()))
                .setMetadata(SecretMetadata.newBuilder().setName(request.getDeploymentName()))
                .build();
    }

    private Secret existing(Caller caller, SecretGetOrCreateRequest request) {
        Secret secret = secrets.get(caller, name(request));
        List<String> missing = request.getRequiredKeysList().stream()
                .filter(key -> !secret.keys().contains(key))
                .toList();
        if (!missing.isEmpty()) {
            throw new GrpcException(Status.NOT_FOUND, "Secret is missing key(s): " + String.join(", ", missing));
        }
        return secret;
    }

    private Secret create(Caller caller, SecretGetOrCreateRequest request, IfTaken ifTaken) {
        return secrets.create(caller, name(request), request.getEnvDictMap(), ifTaken);
    }

    private static String name(SecretGetOrCreateRequest request) {
        return prefix(request.getEnvironmentName()) + request.getDeploymentName();
    }

    private static String prefix(String environmentName) {
        String environment = Environments.named(environmentName);
        return environment.equals(Environments.DEFAULT) ? "" : environment + SEPARATOR;
    }

    private SecretListResponse list(Caller caller, SecretListRequest request, Call call) {
        String environment = Environments.named(request.getEnvironmentName());
        String prefix = prefix(environment);
        var response = SecretListResponse.newBuilder().setEnvironmentName(environment);
        for (Secret secret : secrets.list(caller)) {
            String name = secret.name().orElse("");
            boolean of = prefix.isEmpty() ? !name.contains(SEPARATOR) : name.startsWith(prefix);
            if (of) {
                String label = name.substring(prefix.length());
                response.addItems(SecretListItem.newBuilder()
                        .setLabel(label)
                        .setCreatedAt(Seconds.of(secret.createdAt()))
                        .setEnvironmentName(environment)
                        .setSecretId(VendorIds.secret(secret.id()))
                        .setMetadata(SecretMetadata.newBuilder().setName(label)));
            }
        }
        return response.build();
    }

    private Empty delete(Caller caller, SecretDeleteRequest request, Call call) {
        secrets.delete(caller, VendorIds.secret(request.getSecretId()));
        return Empty.getDefaultInstance();
    }
}
