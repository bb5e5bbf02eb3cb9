/** The engine, the warden and guests, without HTTP. */
@NullMarked
package dev.atoll.tests.engine;

import org.jspecify.annotations.NullMarked;
