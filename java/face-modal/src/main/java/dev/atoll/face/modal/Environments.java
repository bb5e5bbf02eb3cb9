package dev.atoll.face.modal;

/** Environments are names only: each exists once it is named, and separates apps and lists. */
final class Environments {
    /** What clients mean that name none. */
    static final String DEFAULT = "main";

    private Environments() {}

    static String named(String name) {
        return name.isEmpty() ? DEFAULT : name;
    }
}
