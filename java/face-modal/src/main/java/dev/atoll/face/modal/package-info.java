/** Modal's API: the control plane and the task command router, as Modal's SDKs call them. */
@NullMarked
package dev.atoll.face.modal;

import org.jspecify.annotations.NullMarked;
