package dev.atoll.http;

/**
 * A method and a path pattern as they were given to the router.
 *
 * @param pattern {@code /v1/files/{id}}; {@code {rest*}} at the end takes all remaining segments
 */
public record Route(String method, String pattern) {}
