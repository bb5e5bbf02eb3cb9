@NullMarked
package dev.atoll.face.nativeapi;

import org.jspecify.annotations.NullMarked;
