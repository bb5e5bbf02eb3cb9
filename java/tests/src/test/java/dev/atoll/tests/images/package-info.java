/** Images from registries: Debian's own registry, images that the tests make, and a front that misbehaves. */
@org.jspecify.annotations.NullMarked
package dev.atoll.tests.images;
