package dev.atoll.app.cli;

import dev.atoll.app.client.ApiException;
import java.util.List;
import java.util.function.Consumer;

/** Does the same for several things; one that fails does not keep the others from it. */
final class Each {
    private Each() {}

    /** @return 0, or 1 when one failed, which standard error then names */
    static int of(List<String> names, Consumer<String> action) {
        int code = 0;
        for (String name : names) {
            try {
                action.accept(name);
            } catch (ApiException refused) {
                System.err.println("atoll: " + refused.getMessage());
                code = AtollCommand.FAILED;
            }
        }
        return code;
    }
}
