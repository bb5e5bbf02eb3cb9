/** An instance on this machine: its files, its two programs, and what starts, watches and ends them. */
@NullMarked
package dev.atoll.app.run;

import org.jspecify.annotations.NullMarked;
