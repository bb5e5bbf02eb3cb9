@NullMarked
package dev.atoll.app;

import org.jspecify.annotations.NullMarked;
