@NullMarked
package dev.atoll.store;

import org.jspecify.annotations.NullMarked;
