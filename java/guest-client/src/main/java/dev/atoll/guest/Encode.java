package dev.atoll.guest;

import com.google.protobuf.ByteString;
import com.google.protobuf.UnsafeByteOperations;
import dev.atoll.domain.FileContext;
import dev.atoll.domain.ProcessId;
import dev.atoll.domain.ProcessSpec;
import dev.atoll.guest.proto.Configure;
import dev.atoll.guest.proto.EnvVar;
import dev.atoll.guest.proto.Spawn;
import dev.atoll.guest.proto.Tty;
import dev.atoll.guest.proto.Where;
import java.time.Duration;

/** From the domain's records to the messages of guest.proto. */
final class Encode {
    private Encode() {}

    static ByteString bytes(String text) {
        return ByteString.copyFromUtf8(text);
    }

    static Where where(FileContext context) {
        return Where.newBuilder()
                .setCwd(context.cwd().map(Encode::bytes).orElse(ByteString.EMPTY))
                .setUser(context.user().orElse(""))
                .build();
    }

    static Spawn spawn(ProcessId id, ProcessSpec spec, boolean attach) {
        Spawn.Builder spawn = Spawn.newBuilder()
                .setId(id.value())
                .setClearEnv(spec.clearEnv())
                .setCwd(spec.cwd().orElse(""))
                .setUser(spec.user().orElse(""))
                .setStdin(spec.stdin())
                .setMergeOutput(spec.mergeOutput())
                .setTimeoutMs(ceilMillis(spec.timeout()))
                .setAttach(attach)
                .setRequiredReader(spec.requiredReader())
                .setKillOnDetach(spec.killOnDetach());
        spec.argv().forEach(argument -> spawn.addArgv(bytes(argument)));
        spec.env().forEach((name, value) -> spawn.addEnv(env(name, value)));
        // The array is the caller's and is not written while this request is under way.
        spec.script().ifPresent(script -> spawn.setScript(UnsafeByteOperations.unsafeWrap(script)));
        spec.tty().ifPresent(tty -> spawn.setTty(
                Tty.newBuilder().setCols(tty.columns()).setRows(tty.rows()).setTerm(tty.term())));
        return spawn.build();
    }

    /** Rounded up, so that a short timeout does not become 0, which means none. */
    static long ceilMillis(Duration duration) {
        long millis = duration.toMillis();
        return Duration.ofMillis(millis).compareTo(duration) < 0 ? millis + 1 : millis;
    }

    static Configure configure(GuestConfig config) {
        Configure.Builder configure = Configure.newBuilder()
                .setGeneration(config.generation())
                .setHostname(config.hostname())
                .setUser(config.user())
                .setWorkdir(config.workdir())
                .setEntropy(ByteString.copyFrom(config.entropy()))
                .setSpoolLimit(config.spoolLimit())
                .addAllNameservers(config.nameservers())
                .setKeptProcesses(config.keptProcesses());
        config.env().forEach((name, value) -> configure.addEnv(env(name, value)));
        config.hosts().forEach(host -> configure.addHosts(
                Configure.Hosts.newBuilder().setAddress(host.address()).addAllNames(host.names())));
        return configure.build();
    }

    private static EnvVar env(String name, String value) {
        return EnvVar.newBuilder().setName(bytes(name)).setValue(bytes(value)).build();
    }
}
