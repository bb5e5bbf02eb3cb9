package dev.atoll.app.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ConfigFileTest {
    @TempDir
    private Path dir;

    private Config load(String yaml, String... settings) throws Exception {
        Path file = Files.writeString(dir.resolve("atoll.yaml"), yaml);
        return ConfigFile.load(Optional.of(file), List.of(settings));
    }

    @Test
    void emptyFileIsTheDefaults() throws Exception {
        assertThat(load("")).isEqualTo(Config.DEFAULTS);
        assertThat(load("# nothing\n")).isEqualTo(Config.DEFAULTS);
    }

    @Test
    void whatIsPrintedReadsBackAsTheSame() throws Exception {
        Config config = load("slots: {warm: 3}\nlifecycle: {max_idle: 5m}\nnative: {public_url: \"http://x\"}\n");
        assertThat(load(ConfigPrinter.print(config))).isEqualTo(config);
        assertThat(load(ConfigPrinter.print(Config.DEFAULTS))).isEqualTo(Config.DEFAULTS);
    }

    @Test
    void everyKeyIsPrintedWithItsMeaning() {
        String printed = ConfigPrinter.print(Config.DEFAULTS);
        for (var section : Config.class.getRecordComponents()) {
            assertThat(section.getAnnotation(Key.class)).as(section.getName()).isNotNull();
            for (var key : section.getType().getRecordComponents()) {
                assertThat(key.getAnnotation(Key.class)).as(section.getName() + "." + key.getName()).isNotNull();
            }
        }
        assertThat(printed).contains("  warm: 16").contains("  # Slots kept prepared");
    }

    @Test
    void settingsWinOverTheFile() throws Exception {
        assertThat(load("slots: {warm: 3, makers: 4}\n", "slots.warm=5").slots()).isEqualTo(new SlotsConfig(5, 2, 4, 16));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
            slots: {wram: 3}                                     | unknown key slots.wram; did you mean warm?
            slot: {warm: 3}                                      | unknown key slot; did you mean slots?
            images: {alias: [{pattern: a, template: b, prefre: c}]} | did you mean prefer?
            images: {alias: [{pattern: a}]}                      | needs a pattern and a template
            lifecycle: {projects: {ci: {max_ilde: 3s}}}          | did you mean max_idle?
            slots: {warm: -1}                                    | slots.warm is -1; allowed: 0 to 1000
            slots: {warm: many}                                  | slots.warm
            slots: 3                                             | slots is a section
            pool: {size: 10GB}                                   | '10GB' is not a size
            pool: {kind: dir}                                    | pool.dir is missing
            pool: {kind: zfs}                                    | pool.kind
            lifecycle: {max_idle: 3}                             | '3' is not a time
            native: {listen: 8080}                               | not like 127.0.0.1:3000
            native: {public_url: atoll.example}                  | http(s)://
            node: {instance: Big_Name_Of_It}                     | node.instance
            node: {id_base: 5}                                   | node.id_base
            log: {level: loud}                                   | log.level is loud; allowed: error, warn, info, debug, trace
            daytona: {exec_timeout: 408}                         | daytona.exec_timeout is 408; allowed: exit_code_124, http_408
            daytona: {isolation_order: []}                       | at least one class
            daytona: {isolation_order: [vm]}                     | allowed: container, gvisor, microvm
            daytona: {auto_archive: 30s}                         | whole minutes
            """)
    void whatIsWrongIsNamed(String yaml, String message) {
        assertThatThrownBy(() -> load(yaml)).isInstanceOf(ConfigException.class).hasMessageContaining(message);
    }

    @Test
    void aNamedFileMustExist() {
        assertThatThrownBy(() -> ConfigFile.load(Optional.of(dir.resolve("no.yaml")), List.of()))
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining("no.yaml");
    }

    @ParameterizedTest
    @CsvSource({"512MiB,536870912", "1.5KiB,1536", "0B,0", "2TiB,2199023255552"})
    void sizesReadAndPrintTheSameAmount(String text, long bytes) {
        assertThat(DataSize.parse(text).bytes()).isEqualTo(bytes);
        assertThat(DataSize.parse(DataSize.parse(text).toString()).bytes()).isEqualTo(bytes);
    }

    @Test
    void timesPrintInTheLargestWholeUnit() {
        assertThat(Arrays.asList("500ms", "90s", "60m", "36h", "48h", "0s").stream()
                        .map(text -> Span.parse(text).toString()))
                .containsExactly("500ms", "90s", "1h", "36h", "2d", "0s");
    }
}
