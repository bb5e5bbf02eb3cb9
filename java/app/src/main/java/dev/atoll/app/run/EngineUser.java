package dev.atoll.app.run;

/**
 * The unprivileged user that the engine runs as.
 *
 * @param uid never 0
 */
record EngineUser(String name, int uid, int gid) {
    /** Looks it up; makes it when it is missing. */
    static EngineUser ensure(String name) {
        if (Commands.tryOutput("id", "-u", name).isEmpty()) {
            Commands.output(
                    "useradd", "--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent",
                    "--shell", "/usr/sbin/nologin", name);
        }
        int uid = Integer.parseInt(Commands.output("id", "-u", name));
        if (uid == 0) {
            throw new OperatorException("node.user is '" + name + "', which is root; the engine needs an ordinary user");
        }
        return new EngineUser(name, uid, Integer.parseInt(Commands.output("id", "-g", name)));
    }
}
