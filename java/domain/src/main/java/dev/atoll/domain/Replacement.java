package dev.atoll.domain;

import java.util.Optional;

/** What a replace did to one file. */
public record Replacement(String file, long count, Optional<String> error) {}
