/**
 * Registries of images by the OCI distribution specification: references, manifests, authentication,
 * blobs. All that a registry sends is hostile until its digest was checked.
 */
@org.jspecify.annotations.NullMarked
package dev.atoll.image.registry;
