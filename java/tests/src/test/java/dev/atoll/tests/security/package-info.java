@NullMarked
package dev.atoll.tests.security;

import org.jspecify.annotations.NullMarked;
