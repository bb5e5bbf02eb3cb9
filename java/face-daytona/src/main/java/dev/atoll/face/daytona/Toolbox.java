package dev.atoll.face.daytona;

import dev.atoll.domain.Caller;
import dev.atoll.domain.InvalidFieldException;
import dev.atoll.domain.SandboxId;
import dev.atoll.http.Request;

/** What all toolbox calls read from their request. */
final class Toolbox {
    private final SandboxReferences references;

    Toolbox(SandboxReferences references) {
        this.references = references;
    }

    Caller caller(Request request) {
        return Authentication.caller(request);
    }

    /** The sandbox that the path names. */
    SandboxId sandbox(Request request) {
        return references.id(caller(request), request.pathParameter("sandbox"));
    }

    /** A query parameter that must be there and say something. */
    static String required(Request request, String name) {
        return request.query(name)
                .filter(v -> !v.isEmpty())
                .orElseThrow(() -> new InvalidFieldException(name, "", "a value"));
    }

    /** @throws InvalidFieldException unless it is a whole number from min to max */
    static int number(String field, String text, int min, int max) {
        try {
            int value = Integer.parseInt(text);
            InvalidFieldException.requireRange(field, value, min, max);
            return value;
        } catch (NumberFormatException e) {
            throw new InvalidFieldException(field, text, min + " to " + max);
        }
    }
}
