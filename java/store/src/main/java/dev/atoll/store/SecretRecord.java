package dev.atoll.store;

import dev.atoll.domain.Secret;

/** A secret with its values. @param sealed the values as the engine encrypted them; text that the store does not read */
public record SecretRecord(Secret secret, String sealed) {}
