package dev.atoll.store;

import dev.atoll.domain.ConflictException;
import dev.atoll.domain.ProjectId;
import dev.atoll.domain.TemplateId;
import java.util.List;
import java.util.Optional;

/** The templates: those of a project, and the built-in ones, which belong to every project. */
public interface TemplateStore {
    /**
     * Adds the template or replaces the one of this id.
     *
     * @throws ConflictException when another template of the same project (or another built-in) has the name
     */
    void put(TemplateRecord record);

    Optional<TemplateRecord> get(TemplateId id);

    /** The project's own of this name, else the built-in one. */
    Optional<TemplateRecord> findByName(ProjectId project, String name);

    /** The project's own and the built-in ones, by name. */
    List<TemplateRecord> list(ProjectId project);

    /** Of all projects, oldest first. */
    List<TemplateRecord> all();

    /** Idempotent. */
    void delete(TemplateId id);
}
