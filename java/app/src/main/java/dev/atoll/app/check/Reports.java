package dev.atoll.app.check;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** Reads what the test runners leave. */
final class Reports {
    private static final Pattern CARGO = Pattern.compile("^test result: \\w+\\. (\\d+) passed; (\\d+) failed; (\\d+) ignored;");
    private static final Pattern SUITE = Pattern.compile("<testsuite\\s[^>]*>");

    private Reports() {}

    /** A line of cargo test's output. */
    static Counts cargo(String line) {
        Matcher match = CARGO.matcher(line);
        return match.find()
                ? new Counts(number(match.group(1)), number(match.group(2)), number(match.group(3)))
                : Counts.NONE;
    }

    /** JUnit's XML, as Surefire and pytest write it: the attributes of each suite. */
    static Counts junit(String xml) {
        Counts sum = Counts.NONE;
        Matcher suite = SUITE.matcher(xml);
        while (suite.find()) {
            int failed = attribute(suite.group(), "failures") + attribute(suite.group(), "errors");
            int skipped = attribute(suite.group(), "skipped");
            sum = sum.plus(new Counts(attribute(suite.group(), "tests") - failed - skipped, failed, skipped));
        }
        return sum;
    }

    private static int attribute(String tag, String name) {
        Matcher match = Pattern.compile("\\s" + name + "=\"(\\d+)\"").matcher(tag);
        return match.find() ? number(match.group(1)) : 0;
    }

    private static int number(String digits) {
        return Integer.parseInt(digits);
    }

    /** All Surefire reports of the modules below. */
    static Counts surefire(Path modules) {
        return reports(modules).stream().map(Reports::read).map(Reports::junit).reduce(Counts.NONE, Counts::plus);
    }

    /** So that a module that does not run this time is not counted by its last one. */
    static void deleteSurefire(Path modules) {
        for (Path report : reports(modules)) {
            try {
                Files.delete(report);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw new UncheckedIOException("no report at " + file, e);
        }
    }

    private static List<Path> reports(Path modules) {
        var named = FileSystems.getDefault().getPathMatcher("glob:**/target/surefire-reports/TEST-*.xml");
        try (Stream<Path> files = Files.walk(modules, 4)) {
            return files.filter(named::matches).toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
