package dev.atoll.face.modal;

import dev.atoll.domain.EnvSource;
import dev.atoll.face.modal.wire.SecretSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** The ways in which clients of different ages send environments, oldest first; the later wins. */
final class EnvSources {
    private EnvSources() {}

    static List<EnvSource> of(List<String> secretIds, Map<String, String> inline, List<SecretSource> sources) {
        var result = new ArrayList<EnvSource>();
        secretIds.forEach(id -> result.add(new EnvSource.OfSecret(VendorIds.secret(id))));
        if (!inline.isEmpty()) {
            result.add(new EnvSource.Inline(inline));
        }
        for (SecretSource source : sources) {
            switch (source.getSourceCase()) {
                case SECRET_ID -> result.add(new EnvSource.OfSecret(VendorIds.secret(source.getSecretId())));
                case ENV -> result.add(new EnvSource.Inline(source.getEnv().getContentsMap()));
                case SOURCE_NOT_SET -> {
                    // Says nothing.
                }
            }
        }
        return result;
    }
}
