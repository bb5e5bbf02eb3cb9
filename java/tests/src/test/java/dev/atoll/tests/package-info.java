/** Tests with real sandboxes; they need root, the native programs and the base template. */
@NullMarked
package dev.atoll.tests;

import org.jspecify.annotations.NullMarked;
