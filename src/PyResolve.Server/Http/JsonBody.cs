using System.Buffers;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using System.Text.Unicode;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Net.Http.Headers;
using PyResolve.Client.Wire;

namespace PyResolve.Server.Http;

/// <summary>
/// Reads JSON strictly: 415 for another type, 413 for too large, 400 for what is not JSON, 422 with the field's name for JSON that does not
/// fit. A member given twice is malformed, since two readers could understand it in two ways.
/// </summary>
internal static class JsonBody
{
    private const int Largest = 1024 * 1024;

    public static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false, MaxDepth = 64 };

    public static Task<T> ReadAsync<T>(HttpContext http, JsonTypeInfo<T> type) where T : class => ReadAsync(http, type, whenEmpty: null);

    /// <summary>Reads a body. A request without one means <paramref name="whenEmpty"/>.</summary>
    public static async Task<T> ReadAsync<T>(HttpContext http, JsonTypeInfo<T> type, T? whenEmpty, int largest = Largest)
        where T : class
    {
        if (whenEmpty is not null && http.Features.Get<IHttpRequestBodyDetectionFeature>() is { CanHaveBody: false })
            return whenEmpty;
        using var document = Parse(await ReadJsonAsync(http, largest), Strict);
        if (document.RootElement.ValueKind is not JsonValueKind.Object)
            throw new ProblemException(Problems.Invalid("body", ProblemTexts.NotAnObject));
        try
        {
            return document.RootElement.Deserialize(type)!;
        }
        catch (JsonException exception)
        {
            throw new ProblemException(WrongType(exception));
        }
    }

    public static Problem WrongType(JsonException exception) => Problems.Invalid(FieldOf(exception), ProblemTexts.WrongType);

    public static async Task<ReadOnlyMemory<byte>> ReadJsonAsync(HttpContext http, int largest)
    {
        if (!IsJson(http.Request.ContentType))
            throw new ProblemException(ProblemAnswers.ForStatus(415));
        var bytes = await ReadBytesAsync(http.Request, http.RequestAborted, largest);
        return Utf8.IsValid(bytes.Span) ? bytes : throw new ProblemException(Problems.Malformed(ProblemTexts.NotUtf8));
    }

    public static JsonDocument Parse(ReadOnlyMemory<byte> json, JsonDocumentOptions options)
    {
        try
        {
            return JsonDocument.Parse(json, options);
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            // InvalidOperationException: a member's name has an escape that is half a surrogate pair.
            throw new ProblemException(Problems.Malformed(ProblemTexts.MalformedJson(exception)));
        }
    }

    /// <summary>
    /// Reads the bytes of a body within our limit, not Kestrel's: at its own limit Kestrel resets the connection of a client that is still
    /// sending, which then never sees the 413. Below it, Kestrel reads the rest and discards it. It counts what a compressed body unpacks
    /// to.
    /// </summary>
    public static async Task<ReadOnlyMemory<byte>> ReadBytesAsync(
        HttpRequest request, CancellationToken cancellationToken, int largest = Largest)
    {
        var buffer = new ArrayBufferWriter<byte>((int)Math.Clamp(request.ContentLength ?? 0, 256, 256 * 1024) + 1);
        var isTooLarge = request.ContentLength > largest;
        await using var unpacked = ContentCoding.Open(request);
        var content = unpacked ?? request.Body;
        while (!isTooLarge)
        {
            var read = await content.ReadAsync(buffer.GetMemory(), cancellationToken);
            if (read == 0)
                return buffer.WrittenMemory;
            buffer.Advance(read);
            isTooLarge = buffer.WrittenCount > largest;
        }

        throw new ProblemException(ProblemAnswers.ForStatus(413));
    }

    private static bool IsJson(string? contentType) =>
        MediaTypeHeaderValue.TryParse(contentType, out var media)
        && media.MediaType.Equals("application/json", StringComparison.OrdinalIgnoreCase)
        && (!media.Charset.HasValue
            || media.Charset.Equals("utf-8", StringComparison.OrdinalIgnoreCase)
            || media.Charset.Equals("\"utf-8\"", StringComparison.OrdinalIgnoreCase));

    /// <summary>The name of the field that an exception is about: <c>$.scopes[0]</c> is <c>scopes[0]</c>.</summary>
    private static string FieldOf(JsonException exception) =>
        exception.Path is { Length: > 2 } path && path.StartsWith("$.", StringComparison.Ordinal) ? path[2..] : "body";
}
