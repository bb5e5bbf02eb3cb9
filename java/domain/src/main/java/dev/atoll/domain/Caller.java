package dev.atoll.domain;

/**
 * Who makes a call: the outcome of checking a key.
 *
 * @param project every object the call sees or makes belongs to it
 * @param keyId which key was used, for logs; not a secret
 * @param operator may also manage keys, and act on all projects through operator calls
 */
public record Caller(ProjectId project, String keyId, boolean operator) {}
