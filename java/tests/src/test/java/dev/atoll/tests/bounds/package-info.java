/** Much data and many sandboxes within the memory that was promised. */
@NullMarked
package dev.atoll.tests.bounds;

import org.jspecify.annotations.NullMarked;
