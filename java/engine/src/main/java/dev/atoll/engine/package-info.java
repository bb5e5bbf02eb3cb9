@NullMarked
package dev.atoll.engine;

import org.jspecify.annotations.NullMarked;
