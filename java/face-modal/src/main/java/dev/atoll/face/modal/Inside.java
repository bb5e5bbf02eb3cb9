package dev.atoll.face.modal;

import dev.atoll.domain.Caller;
import dev.atoll.domain.SandboxId;

/** Who acts in which sandbox, as a token of the router says. */
record Inside(Caller caller, SandboxId sandbox) {}
