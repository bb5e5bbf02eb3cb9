package dev.atoll.face.modal;

import dev.atoll.domain.InvalidFieldException;
import dev.atoll.face.modal.wire.SandboxTag;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The vendor's tags are labels, and so are the app and the environment that a sandbox belongs to, so
 * that lists can be asked by them. Their keys hold a slash, which no tag's name may.
 */
final class Labels {
    static final String APP = "modal/app";
    static final String ENVIRONMENT = "modal/environment";

    private Labels() {}

    /** The vendor's tags among these labels. */
    static List<SandboxTag> tags(Map<String, String> labels) {
        return labels.entrySet().stream()
                .filter(label -> label.getKey().indexOf('/') < 0)
                .sorted(Map.Entry.comparingByKey())
                .map(label -> SandboxTag.newBuilder()
                        .setTagName(label.getKey())
                        .setTagValue(label.getValue())
                        .build())
                .toList();
    }

    /** These labels with these tags instead of those that are among them. */
    static Map<String, String> withTags(Map<String, String> labels, List<SandboxTag> tags) {
        var result = new HashMap<>(labels);
        result.keySet().removeIf(key -> key.indexOf('/') < 0);
        result.putAll(asLabels(tags));
        return result;
    }

    /** @throws InvalidFieldException when a tag's name holds a slash */
    static Map<String, String> asLabels(List<SandboxTag> tags) {
        var result = new HashMap<String, String>();
        for (SandboxTag tag : tags) {
            if (tag.getTagName().indexOf('/') >= 0) {
                throw new InvalidFieldException("tags", tag.getTagName(), "names without a slash");
            }
            result.put(tag.getTagName(), tag.getTagValue());
        }
        return result;
    }
}
