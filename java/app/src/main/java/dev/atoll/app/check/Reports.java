package dev.atoll.app.check;

import java.io.IOException;
import java.io.StringReader;
import java.io.UncheckedIOException;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import javax.xml.stream.XMLInputFactory;
import javax.xml.stream.XMLStreamConstants;
import javax.xml.stream.XMLStreamException;
import javax.xml.stream.XMLStreamReader;

/** Reads what the test runners leave. */
final class Reports {
    private static final Pattern CARGO = Pattern.compile("^test result: \\w+\\. (\\d+) passed; (\\d+) failed; (\\d+) ignored;");

    private Reports() {}

    /** A line of cargo test's output. */
    static Counts cargo(String line) {
        Matcher match = CARGO.matcher(line);
        return match.find()
                ? new Counts(number(match.group(1)), number(match.group(2)), number(match.group(3)))
                : Counts.NONE;
    }

    /**
     * JUnit's XML, as Surefire and pytest write it. The test cases are counted, not what a suite says of
     * itself: Surefire says 0 of a class that runs once for each of its parameters.
     */
    static Counts junit(String xml) {
        try {
            XMLStreamReader reader = XMLInputFactory.newFactory().createXMLStreamReader(new StringReader(xml));
            Counts sum = Counts.NONE;
            while (reader.hasNext()) {
                if (reader.next() == XMLStreamConstants.START_ELEMENT && reader.getLocalName().equals("testcase")) {
                    sum = sum.plus(testCase(reader));
                }
            }
            return sum;
        } catch (XMLStreamException e) {
            throw new IllegalArgumentException("a report that is no XML: " + e.getMessage(), e);
        }
    }

    /** Reads to the end of the case. */
    private static Counts testCase(XMLStreamReader reader) throws XMLStreamException {
        Counts outcome = new Counts(1, 0, 0);
        while (reader.next() != XMLStreamConstants.END_ELEMENT || !reader.getLocalName().equals("testcase")) {
            if (reader.isStartElement()) {
                outcome = switch (reader.getLocalName()) {
                    case "failure", "error" -> new Counts(0, 1, 0);
                    case "skipped" -> new Counts(0, 0, 1);
                    default -> outcome;
                };
            }
        }
        return outcome;
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
