package dev.atoll.app.cli;

import dev.atoll.app.config.DataSize;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Sizes with units as options. */
final class SizeConverter implements ITypeConverter<DataSize> {
    @Override
    public DataSize convert(String value) {
        try {
            return DataSize.parse(value);
        } catch (IllegalArgumentException wrong) {
            throw new TypeConversionException(String.valueOf(wrong.getMessage()));
        }
    }
}
