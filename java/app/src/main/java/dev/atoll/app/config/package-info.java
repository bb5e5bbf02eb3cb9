/** The configuration: one typed YAML file, every default visible, unknown keys are errors. */
@NullMarked
package dev.atoll.app.config;

import org.jspecify.annotations.NullMarked;
