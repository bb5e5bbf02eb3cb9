@NullMarked
package dev.atoll.guest;

import org.jspecify.annotations.NullMarked;
