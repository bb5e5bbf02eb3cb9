package dev.atoll.app.observe;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.lang.reflect.UndeclaredThrowableException;
import java.util.Locale;

/** Puts an observer around interfaces of the domain, so that every face is seen the same way. */
final class Observed {
    private Observed() {}

    static <T> T by(Observer observer, Class<T> type, T part) {
        String name = type.getSimpleName().toLowerCase(Locale.ROOT);
        Object proxy = Proxy.newProxyInstance(type.getClassLoader(), new Class<?>[] {type}, (_, method, arguments) -> {
            if (method.getDeclaringClass() == Object.class) {
                return method.invoke(part, arguments);
            }
            return observer.around(DomainCall.of(name, method.getName(), arguments), () -> {
                try {
                    return method.invoke(part, arguments);
                } catch (InvocationTargetException e) {
                    throw thrown(e.getTargetException());
                }
            });
        });
        return type.cast(proxy);
    }

    private static Exception thrown(Throwable cause) {
        if (cause instanceof Exception e) {
            return e;
        }
        if (cause instanceof Error e) {
            throw e;
        }
        return new UndeclaredThrowableException(cause);
    }
}
