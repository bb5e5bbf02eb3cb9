package dev.atoll.domain;

import java.io.InputStream;
import java.time.Duration;
import java.util.List;
import java.util.function.UnaryOperator;

/**
 * Builds of templates from Dockerfiles; the rules of {@link Sandboxes} on threads and projects hold
 * here too. RUN and COPY steps run in a sandbox on what the steps before left; what they leave is kept
 * by a hash of all that they depend on, and found again by later builds of the project. Builds belong
 * to the engine that runs them: when it ends, builds under way leave nothing. Ended ones can be
 * asked for, with their logs, until these are more than 64 MiB together or the engine ends.
 */
public interface Builds {
    /**
     * Starts a build and returns without waiting for it. A build of the same content that is under way
     * is joined: its id is returned. When all of it is there already the build returned has SUCCEEDED.
     *
     * @throws InvalidFieldException naming the line of the Dockerfile that is wrong
     * @throws UnsupportedException naming the line with an instruction or form that is not offered
     * @throws NotFoundException when the base, a file of COPY or a secret does not exist
     */
    Build start(Caller caller, BuildTemplate spec);

    /**
     * Starts a build whose context is a tar stream, plain or in gzip, that is read to its end first. The
     * Dockerfile is a file of it; what its {@code .dockerignore} excludes is not there for COPY and ADD.
     *
     * @param dockerfile path of the Dockerfile in the context
     * @param rest adds what is asked for besides Dockerfile and context
     * @throws NotFoundException when the Dockerfile is not in the context
     */
    Build start(Caller caller, InputStream context, String dockerfile, UnaryOperator<BuildTemplate> rest);

    /** @throws NotFoundException when no build of this id is remembered; its template may be there */
    Build get(Caller caller, TemplateId id);

    /** The build when it has ended, or as it is after {@code timeout}; zero to 1 hour. */
    Build await(Caller caller, TemplateId id, Duration timeout);

    /**
     * The log from this offset on. Returns when there is a byte, when the build has ended, or after
     * {@code wait} with no bytes.
     *
     * @param offset 0 or more; beyond the end waits for it
     * @param wait zero to 10 minutes
     */
    BuildLog log(Caller caller, TemplateId id, long offset, Duration wait);

    /** Ends it; an ended one stays as it is. */
    Build cancel(Caller caller, TemplateId id);

    /** Those remembered, newest first. */
    List<Build> list(Caller caller);
}
