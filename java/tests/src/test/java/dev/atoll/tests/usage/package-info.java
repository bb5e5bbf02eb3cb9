@NullMarked
package dev.atoll.tests.usage;

import org.jspecify.annotations.NullMarked;
