package dev.atoll.http;

import com.fasterxml.jackson.annotation.JsonInclude;
import java.io.ByteArrayInputStream;
import java.io.InputStream;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.exc.JacksonIOException;
import tools.jackson.databind.DatabindException;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.MapperFeature;
import tools.jackson.databind.cfg.DateTimeFeature;
import tools.jackson.databind.json.JsonMapper;

/**
 * JSON to and from records. Reading reports {@link InvalidInputException} with the path of the field;
 * an unchecked exception of a record's constructor comes through as it is. Absent optionals are not
 * written; times are RFC 3339. Safe for several threads.
 */
public final class Json {
    /** Unknown fields, numbers in quotes and fractions for whole numbers are errors. */
    public static final Json STRICT = new Json(true);

    /** Unknown fields are ignored and scalars converted, for vendors whose clients send more than they say. */
    public static final Json LENIENT = new Json(false);

    private final JsonMapper mapper;

    private Json(boolean strict) {
        mapper = JsonMapper.builder()
                .configure(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES, strict)
                .configure(DeserializationFeature.ACCEPT_FLOAT_AS_INT, !strict)
                .configure(MapperFeature.ALLOW_COERCION_OF_SCALARS, !strict)
                .configure(StreamReadFeature.STRICT_DUPLICATE_DETECTION, strict)
                .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
                .disable(DateTimeFeature.WRITE_DATES_AS_TIMESTAMPS)
                .changeDefaultPropertyInclusion(_ -> JsonInclude.Value.construct(
                        JsonInclude.Include.NON_ABSENT, JsonInclude.Include.ALWAYS))
                .build();
    }

    /** The mapper behind, for trees and special shapes. */
    public JsonMapper mapper() {
        return mapper;
    }

    /**
     * @throws InvalidInputException naming the field
     * @throws JacksonIOException when the bytes could not be read
     */
    public <T> T read(InputStream in, Class<T> type) {
        try {
            T value = mapper.readValue(in, type);
            if (value == null) {
                throw new InvalidInputException("", "null", "a JSON object");
            }
            return value;
        } catch (DatabindException e) {
            throw JsonErrors.explain(e, type);
        } catch (JacksonIOException e) {
            throw e;
        } catch (JacksonException e) {
            throw JsonErrors.malformed(e);
        }
    }

    /** @throws InvalidInputException naming the field */
    public <T> T read(byte[] bytes, Class<T> type) {
        return read(new ByteArrayInputStream(bytes), type);
    }

    /** The bytes of any value that Jackson can write. */
    public byte[] write(Object value) {
        return mapper.writeValueAsBytes(value);
    }

    /** The tree of any value, to change before writing. */
    public JsonNode tree(Object value) {
        return mapper.valueToTree(value);
    }
}
