package dev.atoll.tests;

import dev.atoll.domain.Isolation;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

/** A test class that runs once for every isolation class that this version has; it has a field {@code @Parameter Isolation}. */
@Target(ElementType.TYPE)
@Retention(RetentionPolicy.RUNTIME)
@ParameterizedClass(name = "{0}")
@EnumSource(value = Isolation.class, names = {"CONTAINER", "GVISOR"})
public @interface EachIsolation {}
