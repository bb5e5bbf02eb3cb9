package dev.atoll.face.modal;

import dev.atoll.domain.ProcessId;
import dev.atoll.domain.SandboxId;
import dev.atoll.grpc.GrpcException;
import dev.atoll.grpc.Status;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The control plane's calls name a command alone, so its id holds the sandbox's. */
record LegacyExecId(SandboxId sandbox, ProcessId process) {
    private static final Pattern FORM = Pattern.compile("ex-([0-9a-f]{32})-([A-Za-z0-9_-]{1,64})");

    static LegacyExecId parse(String text) {
        Matcher id = FORM.matcher(text);
        if (!id.matches()) {
            throw new GrpcException(Status.NOT_FOUND, "exec '" + text + "' not found");
        }
        return new LegacyExecId(new SandboxId(id.group(1)), new ProcessId(id.group(2)));
    }

    @Override
    public String toString() {
        return "ex-" + sandbox + "-" + process;
    }
}
