/** The native API over real sandboxes. */
@NullMarked
package dev.atoll.tests.api;

import org.jspecify.annotations.NullMarked;
