/** A small client of Atoll's own API. Starts fast: no TLS and no thread pool before they are needed. */
@NullMarked
package dev.atoll.app.client;

import org.jspecify.annotations.NullMarked;
