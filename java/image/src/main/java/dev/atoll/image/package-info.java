/** Images as texts: Dockerfiles, their instructions and what these mean for a template. */
@org.jspecify.annotations.NullMarked
package dev.atoll.image;
