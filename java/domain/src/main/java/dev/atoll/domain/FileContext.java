package dev.atoll.domain;

import java.util.Optional;

/**
 * As whom and where from a file operation is done.
 *
 * @param user empty = the sandbox's user
 * @param cwd what relative paths start from; empty = the sandbox's workdir
 */
public record FileContext(Optional<String> user, Optional<String> cwd) {
    public static final FileContext DEFAULT = new FileContext(Optional.empty(), Optional.empty());
}
