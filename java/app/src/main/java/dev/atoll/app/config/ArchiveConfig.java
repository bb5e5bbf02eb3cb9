package dev.atoll.app.config;

import java.util.Optional;

/** Where disks of archived sandboxes go. */
public record ArchiveConfig(
        @Key("none: nothing is archived, rules of action archive wait. directory: archive.directory. s3: a bucket of an S3 server.")
        Store store,
        @Key("The directory of store directory, which node.user may write; null = archive below node.state_dir's engine directory.")
        Optional<String> directory,
        @Key("Encrypts the archives: 32 bytes, or 64 hexadecimal characters, which node.user may read; null = a file of the state directory, made when missing. Keep a copy: without it archives are lost.")
        Optional<String> keyFile,
        @Key("The S3 server, for example https://s3.example:9000.") Optional<String> s3Endpoint,
        @Key("The server's region.") String s3Region,
        @Key("A bucket that exists.") Optional<String> s3Bucket,
        @Key("Before every name in the bucket, ending with a slash; nodes that share a bucket need one each.") String s3Prefix,
        @Key("Access key of the bucket's user.") Optional<String> s3AccessKey,
        @Key("File with the secret key, which node.user may read.") Optional<String> s3SecretKeyFile) {
    static final ArchiveConfig DEFAULTS = new ArchiveConfig(
            Store.NONE, Optional.empty(), Optional.empty(), Optional.empty(), "us-east-1", Optional.empty(), "",
            Optional.empty(), Optional.empty());

    /** What archives are kept in. */
    public enum Store {
        NONE,
        DIRECTORY,
        S3
    }

    public ArchiveConfig {
        directory.ifPresent(path -> Bounds.absolute("archive.directory", path));
        keyFile.ifPresent(path -> Bounds.absolute("archive.key_file", path));
        s3SecretKeyFile.ifPresent(path -> Bounds.absolute("archive.s3_secret_key_file", path));
        if (store == Store.S3) {
            require("archive.s3_endpoint", s3Endpoint);
            require("archive.s3_bucket", s3Bucket);
            require("archive.s3_access_key", s3AccessKey);
            require("archive.s3_secret_key_file", s3SecretKeyFile);
        }
        if (!s3Prefix.isEmpty() && !s3Prefix.matches("[a-z0-9/-]{1,63}/")) {
            throw new IllegalArgumentException(
                    "archive.s3_prefix is '" + s3Prefix + "'; allowed: a-z 0-9 - and /, ending with /, at most 64 characters");
        }
    }

    private static void require(String key, Optional<String> value) {
        if (value.isEmpty()) {
            throw new IllegalArgumentException("archive.store is s3, and " + key + " is missing");
        }
    }
}
