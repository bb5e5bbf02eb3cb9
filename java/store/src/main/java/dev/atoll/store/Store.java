package dev.atoll.store;

/**
 * What the engine must not forget. All methods of the parts are safe from any thread. A write
 * returns when it is durable: it survives the end of the process and of the machine. A read sees
 * every write that returned before it began. A disk that fails is a {@link StoreException}.
 */
public interface Store extends AutoCloseable {
    SandboxStore sandboxes();

    SnapshotStore snapshots();

    TemplateStore templates();

    KeyStore keys();

    UsageStore usage();

    SecretStore secrets();

    BuildStepStore buildSteps();

    VolumeStore volumes();

    ArchiveStore archives();

    /** Waits for the writes under way. Later calls are an IllegalStateException. Idempotent. */
    @Override
    void close();
}
