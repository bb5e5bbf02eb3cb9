/** Network policies of single sandboxes, with an internet that the test plays. */
@NullMarked
package dev.atoll.tests.egress;

import org.jspecify.annotations.NullMarked;
