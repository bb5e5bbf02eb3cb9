/** What can be seen of the node from outside while it works: the audit, traces and metrics. */
@NullMarked
package dev.atoll.app.observe;

import org.jspecify.annotations.NullMarked;
