/** The command line. Every command answers errors in one line and with an exit code. */
@NullMarked
package dev.atoll.app.cli;

import org.jspecify.annotations.NullMarked;
