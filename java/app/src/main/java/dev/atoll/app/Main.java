package dev.atoll.app;

import dev.atoll.app.cli.AtollCommand;

/** The one entry: the command line, and by internal commands of it the engine and the supervisor. */
public final class Main {
    private Main() {}

    public static void main(String[] arguments) {
        System.exit(AtollCommand.run(arguments));
    }
}
