package dev.atoll.app.cli;

import dev.atoll.app.client.ApiClient;
import dev.atoll.app.client.Query;
import dev.atoll.app.run.OperatorException;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import tools.jackson.databind.JsonNode;

@Command(
        name = "template",
        mixinStandardHelpOptions = true,
        description = "Templates of the node.",
        subcommands = {TemplateCommand.List.class, TemplateCommand.Create.class, TemplateBuildCommand.class, TemplateCommand.Prepare.class, TemplateCommand.Remove.class})
final class TemplateCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Override
    public Integer call() {
        throw new ParameterException(new CommandLine(spec), "ls, create, build, prepare or rm?");
    }

    @Command(name = "ls", mixinStandardHelpOptions = true, description = "Lists templates.")
    static final class List implements Callable<Integer> {
        @Mixin
        private final ServerOptions server = new ServerOptions();

        @Option(names = "--json", description = "Print JSON.")
        private boolean json;

        @Override
        public Integer call() {
            JsonNode templates = server.client().get(Query.of("templates")).path("templates");
            if (json) {
                Table.json(System.out, templates);
                return 0;
            }
            var table = new Table("ID", "NAME", "USER", "WORKDIR");
            for (JsonNode template : templates) {
                table.row(
                        template.path("id").asString(),
                        template.path("name").asString(),
                        template.path("user").asString(""),
                        template.path("workdir").asString(""));
            }
            table.print(System.out);
            return 0;
        }
    }

    @Command(name = "create", mixinStandardHelpOptions = true, description = "Makes a template of a snapshot.")
    static final class Create implements Callable<Integer> {
        @Mixin
        private final ServerOptions server = new ServerOptions();

        @Parameters(index = "0", paramLabel = "SNAPSHOT", description = "Name or id.")
        private String snapshot = "";

        @Parameters(index = "1", paramLabel = "NAME", description = "Name of the template.")
        private String name = "";

        @Override
        public Integer call() {
            JsonNode made = server.client().post(Query.of("templates"), Map.of("snapshot", snapshot, "name", name));
            System.out.println(made.path("id").asString());
            return 0;
        }
    }

    @Command(
            name = "prepare",
            mixinStandardHelpOptions = true,
            description = "Pulls images, so that the first create waits for none; prints the templates' ids.")
    static final class Prepare implements Callable<Integer> {
        @Mixin
        private final ServerOptions server = new ServerOptions();

        @Option(names = "--anew", description = "Ask the registry also when the image is here.")
        private boolean anew;

        @Parameters(arity = "1..*", paramLabel = "IMAGE", description = "References: [registry/]repository[:tag][@digest].")
        private java.util.List<String> images = java.util.List.of();

        @Override
        public Integer call() {
            ApiClient client = server.client();
            return Each.of(images, image -> {
                JsonNode made = client.post(Query.of("templates"), Map.of("image", image, "anew", anew));
                System.out.println(made.path("id").asString());
            });
        }
    }

    @Command(name = "rm", mixinStandardHelpOptions = true, description = "Deletes templates that nothing stands on.")
    static final class Remove implements Callable<Integer> {
        @Mixin
        private final ServerOptions server = new ServerOptions();

        @Parameters(arity = "1..*", paramLabel = "TEMPLATE", description = "Names or ids.")
        private java.util.List<String> templates = java.util.List.of();

        @Override
        public Integer call() {
            ApiClient client = server.client();
            return Each.of(templates, name -> client.delete(Query.of("templates", id(client, name))));
        }

        /** A path of the API has no slashes in its parts, and names of images do. */
        private static String id(ApiClient client, String name) {
            if (name.indexOf('/') < 0) {
                return name;
            }
            for (JsonNode template : client.get(Query.of("templates")).path("templates")) {
                if (template.path("name").asString().equals(name)) {
                    return template.path("id").asString();
                }
            }
            throw new OperatorException("template '" + name + "' not found; 'atoll template ls' shows the names");
        }
    }
}
