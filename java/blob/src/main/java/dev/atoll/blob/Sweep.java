package dev.atoll.blob;

import dev.atoll.domain.UnavailableException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Removes the contents that no manifest names, and manifests of archives that are none. A manifest that
 * cannot be read ends it before anything is removed. Memory is bounded: with more than 200,000 parts it
 * goes in several passes, each over the names that begin alike.
 */
public final class Sweep {
    private static final long PARTS_AT_ONCE = 200_000;
    private static final String DIGITS = "0123456789abcdef";

    /** What was removed. @param bytes as stored */
    public record Swept(int blobs, long bytes) {}

    private final Vault vault;
    private final Iterable<String> named;
    private final List<Manifest> manifests = new ArrayList<>();
    private final Set<String> archives = new HashSet<>();
    private int blobs;
    private long bytes;

    /** @param named asked when no archive is under way: what became one until then is among them */
    Sweep(Vault vault, Iterable<String> named) {
        this.vault = vault;
        this.named = named;
    }

    /**
     * Holding the vault's lock for writing.
     *
     * @throws UnavailableException when the store fails or the thread is interrupted; what was removed until
     *     then was of no use
     */
    Swept run() {
        named.forEach(archives::add);
        archives.forEach(archive -> manifests.add(vault.manifest(archive)));
        long parts = manifests.stream().mapToLong(Manifest::parts).sum();
        for (String prefix : prefixes(parts)) {
            removeUnnamed(prefix);
        }
        removeManifests();
        return new Swept(blobs, bytes);
    }

    private static List<String> prefixes(long parts) {
        var prefixes = new ArrayList<String>();
        if (parts <= PARTS_AT_ONCE) {
            prefixes.add("");
            return prefixes;
        }
        for (char first : DIGITS.toCharArray()) {
            if (parts <= 16 * PARTS_AT_ONCE) {
                prefixes.add(String.valueOf(first));
            } else {
                for (char second : DIGITS.toCharArray()) {
                    prefixes.add(String.valueOf(first) + second);
                }
            }
        }
        return prefixes;
    }

    private void removeUnnamed(String prefix) {
        Set<String> named = new HashSet<>();
        for (Manifest manifest : manifests) {
            for (byte[] list : manifest.lists()) {
                name(list, prefix, named);
                for (Chunk chunk : Manifest.chunks(vault.get(ArchiveWriter.PARTS, list, manifest.archive()))) {
                    name(chunk.name(), prefix, named);
                }
            }
        }
        vault.store().list(Vault.contents() + prefix, blob -> {
            if (!named.contains(blob.name())) {
                remove(blob);
            }
        });
    }

    private static void name(byte[] name, String prefix, Set<String> named) {
        String at = Vault.contentName(name);
        if (at.startsWith(Vault.contents() + prefix)) {
            named.add(at);
        }
    }

    private void removeManifests() {
        vault.store().list(Vault.manifests(), blob -> {
            if (!archives.contains(blob.name().substring(Vault.manifests().length()))) {
                remove(blob);
            }
        });
    }

    /** While it is listed: all that is of no use may be too much to be remembered. */
    private void remove(BlobStore.Blob blob) {
        if (Thread.currentThread().isInterrupted()) {
            throw new UnavailableException("interrupted while the blob store was swept");
        }
        vault.store().delete(blob.name());
        blobs++;
        bytes += blob.bytes();
    }
}
