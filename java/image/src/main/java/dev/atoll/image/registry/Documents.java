package dev.atoll.image.registry;

import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.databind.json.JsonMapper;

/** How JSON of registries is read: what few bytes say can take many in memory, so its parts are counted. */
final class Documents {
    /** Names, values and brackets; a configuration of 1,000 steps and 1,000 labels has some 14,000. */
    static final long MOST_TOKENS = 50_000;

    static final JsonMapper JSON = JsonMapper.builder(JsonFactory.builder()
                    .streamReadConstraints(StreamReadConstraints.builder()
                            .maxTokenCount(MOST_TOKENS)
                            .maxNestingDepth(100)
                            .build())
                    .build())
            .build();

    private Documents() {}
}
