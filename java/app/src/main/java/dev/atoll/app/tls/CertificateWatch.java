package dev.atoll.app.tls;

import dev.atoll.app.config.ConfigException;
import dev.atoll.http.HttpListener;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Has the listeners take new certificates without a restart: when their files have changed, and when asked.
 * Files that cannot be used change nothing. It looks instead of being told, since what changes may be a
 * link on the way to a file. Safe from any thread.
 */
public final class CertificateWatch implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(CertificateWatch.class);
    private static final Duration LOOK_EVERY = Duration.ofSeconds(2);

    private final List<CertificateFiles> files;
    private final List<HttpListener> listeners;
    private final ScheduledExecutorService timer =
            Executors.newSingleThreadScheduledExecutor(Thread.ofVirtual().name("certificates").factory());
    private List<String> used;
    private List<String> seen;

    private CertificateWatch(List<CertificateFiles> files, List<HttpListener> listeners) {
        this.files = files;
        this.listeners = listeners;
        used = look();
        seen = used;
    }

    /** Without files it does nothing. */
    public static CertificateWatch start(List<CertificateFiles> files, List<HttpListener> listeners) {
        return start(files, listeners, LOOK_EVERY);
    }

    static CertificateWatch start(List<CertificateFiles> files, List<HttpListener> listeners, Duration every) {
        var watch = new CertificateWatch(files, listeners);
        if (!files.isEmpty()) {
            var unused = watch.timer.scheduleWithFixedDelay(
                    watch::lookAgain, every.toMillis(), every.toMillis(), TimeUnit.MILLISECONDS);
        }
        return watch;
    }

    /** @throws ConfigException when a file cannot be used; the listeners go on with what they have */
    public synchronized void reload() {
        List<String> now = look();
        files.forEach(CertificateFiles::check);
        listeners.forEach(HttpListener::reloadTls);
        used = now;
        seen = now;
        files.forEach(pair -> LOG.info("certificate {} is in use as it is now", pair.certificate()));
    }

    /** A pair is written one file after the other, so a change counts when nothing has changed since the last look. */
    private synchronized void lookAgain() {
        List<String> now = look();
        boolean settled = now.equals(seen);
        seen = now;
        if (!settled || now.equals(used)) {
            return;
        }
        try {
            reload();
        } catch (RuntimeException e) {
            used = now;
            LOG.error("new certificate files are not used, the old ones stay: {}", e.getMessage());
        }
    }

    private List<String> look() {
        return files.stream().flatMap(pair -> Stream.of(pair.certificate(), pair.key())).map(CertificateWatch::stateOf).toList();
    }

    private static String stateOf(Path file) {
        try {
            var attributes = Files.readAttributes(file, BasicFileAttributes.class);
            return attributes.lastModifiedTime() + " " + attributes.size() + " " + Objects.requireNonNullElse(attributes.fileKey(), "")
                    + " " + Files.isReadable(file);
        } catch (IOException absent) {
            return "absent";
        }
    }

    @Override
    public void close() {
        timer.shutdownNow();
    }
}
