package dev.atoll.face.modal;

import dev.atoll.domain.Sandbox;
import dev.atoll.domain.SandboxId;
import dev.atoll.domain.SecretId;
import dev.atoll.grpc.GrpcException;
import dev.atoll.grpc.Status;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.regex.Pattern;

/**
 * The vendor's ids and ours, which say the same in another spelling: a prefix and either 22 characters
 * of base 62 or 32 of base 16. Clients take a sandbox id of the first shape for one of their V1 calls
 * and every other shape for one of their V2 calls, so a sandbox keeps the shape that it was made in.
 * What has no id of ours (an app, an environment) has one derived from its name.
 */
final class VendorIds {
    private static final String DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    private static final BigInteger BASE = BigInteger.valueOf(DIGITS.length());
    /** 62^22 is more than 2^128. */
    private static final int LENGTH = 22;
    private static final int HALF = LENGTH / 2;
    private static final String APP = "ap-";
    private static final Pattern SHORT = Pattern.compile("[0-9A-Za-z]{22}");
    private static final Pattern LONG = Pattern.compile("[0-9a-f]{32}");

    private VendorIds() {}

    static String sandbox(Sandbox sandbox) {
        return "sb-" + tail(sandbox);
    }

    /** A sandbox has one task for its whole life. */
    static String task(Sandbox sandbox) {
        return "ta-" + tail(sandbox);
    }

    private static String tail(Sandbox sandbox) {
        String hex = sandbox.id().value();
        return switch (Attributes.of(sandbox).dialect()) {
            case V1 -> base62(hex);
            case V2 -> hex;
        };
    }

    /** @throws GrpcException NOT_FOUND when it has not the shape of one */
    static SandboxId sandbox(String vendorId) {
        return new SandboxId(hex("sb-", "Sandbox", vendorId));
    }

    static SandboxId task(String vendorId) {
        return new SandboxId(hex("ta-", "Task", vendorId));
    }

    /** @param hex of a template or of a snapshot */
    static String image(String hex) {
        return "im-" + base62(hex);
    }

    /** The id of a template or of a snapshot. */
    static String imageHex(String vendorId) {
        return hex("im-", "Image", vendorId);
    }

    static String secret(SecretId id) {
        return "st-" + base62(id.value());
    }

    static SecretId secret(String vendorId) {
        return new SecretId(hex("st-", "Secret", vendorId));
    }

    /** Half of it is the environment's, so that it can be told to which one an app belongs. */
    static String app(String environment, String name) {
        return APP + environmentPart(environment) + derived("app", environment, name).substring(HALF);
    }

    /** The half of an app's id that all apps of its environment have. */
    static String environmentOf(String appId) {
        if (!appId.startsWith(APP) || !SHORT.matcher(appId.substring(APP.length())).matches()) {
            throw new GrpcException(Status.INVALID_ARGUMENT, "app_id is '" + appId + "'; allowed: one that AppGetOrCreate gave");
        }
        return appId.substring(APP.length(), APP.length() + HALF);
    }

    static String environmentPart(String name) {
        return derived("environment", name, "").substring(HALF);
    }

    static String environment(String name) {
        return "en-" + derived("environment", name, "");
    }

    /** 22 characters that follow from these texts alone. */
    static String derived(String kind, String first, String second) {
        byte[] hash = sha256(kind + "\0" + first + "\0" + second);
        return base62(HexFormat.of().formatHex(hash, 0, 16));
    }

    private static byte[] sha256(String text) {
        try {
            return MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has SHA-256", e);
        }
    }

    private static String base62(String hex) {
        BigInteger left = new BigInteger(hex, 16);
        var digits = new StringBuilder();
        for (int i = 0; i < LENGTH; i++) {
            BigInteger[] parts = left.divideAndRemainder(BASE);
            digits.append(DIGITS.charAt(parts[1].intValue()));
            left = parts[0];
        }
        return digits.reverse().toString();
    }

    private static String hex(String prefix, String kind, String vendorId) {
        String tail = vendorId.startsWith(prefix) ? vendorId.substring(prefix.length()) : "";
        if (LONG.matcher(tail).matches()) {
            return tail;
        }
        if (SHORT.matcher(tail).matches()) {
            BigInteger value = BigInteger.ZERO;
            for (char digit : tail.toCharArray()) {
                value = value.multiply(BASE).add(BigInteger.valueOf(DIGITS.indexOf(digit)));
            }
            if (value.bitLength() <= 128) {
                return String.format("%032x", value);
            }
        }
        throw new GrpcException(Status.NOT_FOUND, kind + " with ID '" + vendorId + "' not found");
    }
}
