package dev.atoll.face.modal;

/** The two families of names that the same calls have; clients stay with the one a sandbox was made by. */
enum Dialect {
    V1,
    V2
}
