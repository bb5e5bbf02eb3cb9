@NullMarked
package dev.atoll.warden;

import org.jspecify.annotations.NullMarked;
