/** Certificates of the listeners: their files, what is wrong with them, and how they are renewed. */
@NullMarked
package dev.atoll.app.tls;

import org.jspecify.annotations.NullMarked;
