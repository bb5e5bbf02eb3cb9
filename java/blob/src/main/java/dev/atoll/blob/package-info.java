/** Blobs: where archives of disks are kept, encrypted, outside of the node. */
@NullMarked
package dev.atoll.blob;

import org.jspecify.annotations.NullMarked;
