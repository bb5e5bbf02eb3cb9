package dev.atoll.domain;

/** A line of a file that matched. {@code line} counts from 1. */
public record TextMatch(String file, long line, String content, long column) {}
