package dev.atoll.warden;

/**
 * Receives events. All calls come from one virtual thread, one after the other; a slow listener
 * delays later events and loses none while the connection stands.
 */
public interface WardenListener {
    /**
     * A subscription stands, for the first time or again after the connection was lost. Events may
     * have been missed: compare with {@link Warden#listAll}. Events from here on are complete.
     */
    void resynchronise();

    void onEvent(WardenEvent event);
}
