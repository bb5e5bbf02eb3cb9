/** {@code atoll test}: runs every test of the tree, with real sandboxes, and adds up what the runners say. */
@NullMarked
package dev.atoll.app.check;

import org.jspecify.annotations.NullMarked;
