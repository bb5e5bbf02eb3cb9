/** Ends of programs and of the machine, and pools that run full, while sandboxes work. */
@NullMarked
package dev.atoll.tests.fault;

import org.jspecify.annotations.NullMarked;
