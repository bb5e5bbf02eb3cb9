package dev.atoll.app.observe;

import java.util.concurrent.Callable;

/** Stands around the calls of the domain. Safe from any thread; what it does itself must not fail. */
@FunctionalInterface
interface Observer {
    /** Makes the call and answers, or throws, what it did. */
    Object around(DomainCall call, Callable<Object> work) throws Exception;

    /** This one outside, the other one inside. */
    default Observer then(Observer inner) {
        return (call, work) -> around(call, () -> inner.around(call, work));
    }
}
