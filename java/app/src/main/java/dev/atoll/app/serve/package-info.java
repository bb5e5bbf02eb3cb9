/** The engine's process: everything wired by hand, started in order, ended in reverse. */
@NullMarked
package dev.atoll.app.serve;

import org.jspecify.annotations.NullMarked;
