package dev.atoll.face.daytona;

import dev.atoll.domain.FileContext;
import dev.atoll.domain.FileInfo;
import dev.atoll.domain.Files;
import dev.atoll.domain.WriteOptions;
import dev.atoll.http.HttpException;
import dev.atoll.http.MultipartReader;
import dev.atoll.http.Request;
import dev.atoll.http.Response;
import dev.atoll.http.Router;
import dev.atoll.http.StreamWriter;
import java.io.IOException;
import java.io.InputStream;
import java.util.Locale;

/** Contents of files: {@code files/bulk-upload}, {@code bulk-download}, and one at a time. */
final class ContentRoutes {
    private static final String BYTES = "application/octet-stream";

    private final Files files;
    private final Toolbox toolbox;
    private final BulkUpload bulkUpload;
    private final BulkDownload bulkDownload;

    ContentRoutes(Files files, Toolbox toolbox, VendorErrors errors) {
        this.files = files;
        this.toolbox = toolbox;
        this.bulkUpload = new BulkUpload(files, toolbox);
        this.bulkDownload = new BulkDownload(files, toolbox, errors);
    }

    private record Uploaded(String name, String path, String type) {}

    void addTo(Router.Builder router) {
        router.post("/toolbox/{sandbox}/files/bulk-upload", bulkUpload::handle)
                .post("/toolbox/{sandbox}/files/bulk-download", bulkDownload::handle)
                .post("/toolbox/{sandbox}/files/upload", this::upload)
                .post("/toolbox/{sandbox}/files/upload-v2", this::upload)
                .get("/toolbox/{sandbox}/files/download", this::download);
    }

    private Response upload(Request request) throws IOException {
        String path = Toolbox.required(request, "path");
        String type = request.header("Content-Type").orElse(BYTES).toLowerCase(Locale.ROOT);
        boolean form = type.startsWith("multipart/form-data");
        WriteOptions options = form ? WriteOptions.REPLACE : WriteOptions.REPLACE.withSize(request.contentLength());
        FileInfo file = files.write(
                toolbox.caller(request), toolbox.sandbox(request), FileContext.DEFAULT, path, options,
                form ? formFile(request) : request.body());
        return Response.json(new Uploaded(file.name(), path, "file"));
    }

    private static InputStream formFile(Request request) throws IOException {
        MultipartReader reader = MultipartReader.of(request, MultipartReader.Limits.DEFAULT);
        for (var part = reader.next(); part.isPresent(); part = reader.next()) {
            if (part.get().name().equals("file")) {
                return part.get().content();
            }
        }
        throw new HttpException(400, "bad_request", "the form has no field 'file'");
    }

    private Response download(Request request) throws IOException {
        String path = Toolbox.required(request, "path");
        FileContent content = FileContent.of(files.read(
                toolbox.caller(request), toolbox.sandbox(request), FileContext.DEFAULT, path, 0, -1));
        StreamWriter writer = content::writeTo;
        Response response = content.length().isPresent()
                ? Response.content(BYTES, content.length().getAsLong(), writer)
                : Response.stream(BYTES, writer);
        return response.closing(content);
    }
}
