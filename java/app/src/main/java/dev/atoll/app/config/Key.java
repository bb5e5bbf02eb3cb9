package dev.atoll.app.config;

import static java.lang.annotation.ElementType.RECORD_COMPONENT;
import static java.lang.annotation.RetentionPolicy.RUNTIME;

import java.lang.annotation.Retention;
import java.lang.annotation.Target;

/** What a key of the configuration means; {@code atoll config} prints it above the key. */
@Retention(RUNTIME)
@Target(RECORD_COMPONENT)
@interface Key {
    String value();
}
