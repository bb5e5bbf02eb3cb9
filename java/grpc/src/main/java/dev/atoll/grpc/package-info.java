/**
 * gRPC on the listener of {@code dev.atoll.http}: framing, trailers, deadlines and a table of methods.
 * The wire format is the one of "gRPC over HTTP2" (PROTOCOL-HTTP2.md of the gRPC project), without
 * compression.
 */
@NullMarked
package dev.atoll.grpc;

import org.jspecify.annotations.NullMarked;
