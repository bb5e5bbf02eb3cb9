/**
 * {@code atoll bench}: measures what is promised on a server of its own beside a peer in the same run,
 * one after the other in turn, with idle time between the operations: a loop without it hides what a
 * quiet machine costs.
 */
@NullMarked
package dev.atoll.app.bench;

import org.jspecify.annotations.NullMarked;
