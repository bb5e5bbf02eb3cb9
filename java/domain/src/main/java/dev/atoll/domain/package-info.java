@NullMarked
package dev.atoll.domain;

import org.jspecify.annotations.NullMarked;
