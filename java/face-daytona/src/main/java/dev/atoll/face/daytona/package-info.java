@NullMarked
package dev.atoll.face.daytona;

import org.jspecify.annotations.NullMarked;
