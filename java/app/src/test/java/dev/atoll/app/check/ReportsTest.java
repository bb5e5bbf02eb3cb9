package dev.atoll.app.check;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class ReportsTest {
    @Test
    void cargoLinesAreCounted() {
        assertThat(Reports.cargo("test result: FAILED. 3 passed; 2 failed; 1 ignored; 0 measured; 0 filtered out"))
                .isEqualTo(new Counts(3, 2, 1));
        assertThat(Reports.cargo("test engine ... ok")).isEqualTo(Counts.NONE);
    }

    @Test
    void junitErrorsAreFailures() {
        String xml = """
                <testsuites name="all"><testsuite xmlns:x="y" name="a" time="1">
                <testcase name="tests=&quot;9&quot;"/>
                <testcase name="b"><system-out>said</system-out></testcase>
                <testcase name="c"><failure type="x">why</failure><system-err/></testcase>
                <testcase name="d"><error/></testcase>
                <testcase name="e"><skipped message="m"/></testcase>
                </testsuite></testsuites>
                """;
        assertThat(Reports.junit(xml)).isEqualTo(new Counts(2, 2, 1));
    }

    @Test
    void aSuiteThatSaysItRanNothingIsCountedByItsCases() {
        String xml = """
                <testsuite name="a" tests="0" errors="0" skipped="0" failures="0">
                <testcase name="life[1]"/><testcase name="life[2]"><failure>why</failure></testcase>
                </testsuite>
                """;
        assertThat(Reports.junit(xml)).isEqualTo(new Counts(1, 1, 0));
    }

    @Test
    void aRunnerThatFailsWithoutAFailedTestCounts() {
        assertThat(new Counts(5, 0, 0).afterStatus(1)).isEqualTo(new Counts(5, 1, 0));
        assertThat(new Counts(5, 2, 0).afterStatus(1)).isEqualTo(new Counts(5, 2, 0));
        assertThat(new Counts(5, 0, 0).afterStatus(0)).isEqualTo(new Counts(5, 0, 0));
    }
}
