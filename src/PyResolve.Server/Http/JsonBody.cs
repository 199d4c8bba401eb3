using System.Buffers;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.Net.Http.Headers;

namespace PyResolve.Server.Http;

/// <summary>
/// Reads a request's body strictly: 415 for another type, 413 for one too large, 400 for what is not JSON, 422 with the field's name for
/// JSON that does not fit. A member given twice is malformed, since two readers could understand it in two ways.
/// </summary>
internal static class JsonBody
{
    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false, MaxDepth = 64 };

    public static Task<T> ReadAsync<T>(HttpContext http, JsonTypeInfo<T> type)
        where T : class => ReadAsync(http, type, whenEmpty: null);

    /// <summary>As <see cref="ReadAsync{T}(HttpContext, JsonTypeInfo{T})"/>, where no body at all means <paramref name="whenEmpty"/>.</summary>
    public static async Task<T> ReadAsync<T>(HttpContext http, JsonTypeInfo<T> type, T? whenEmpty)
        where T : class
    {
        if (whenEmpty is not null && http.Request.ContentLength is 0 or null && http.Request.ContentType is null && !http.Request.Headers.ContainsKey(HeaderNames.TransferEncoding))
            return whenEmpty;
        if (!IsJson(http.Request.ContentType))
            throw new ProblemException(Problems.ForStatus(415));

        JsonDocument document;
        try
        {
            document = await JsonDocument.ParseAsync(http.Request.Body, Strict, http.RequestAborted);
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            // InvalidOperationException: a member's name has an escape that is half a character.
            throw new ProblemException(Problems.Malformed($"The body is not well-formed JSON: {exception.Message}"));
        }

        using (document)
        {
            if (document.RootElement.ValueKind is not JsonValueKind.Object)
                throw new ProblemException(Problems.Invalid("body", "must be a JSON object."));
            try
            {
                return document.RootElement.Deserialize(type)!;
            }
            catch (JsonException exception)
            {
                throw new ProblemException(Problems.Invalid(FieldOf(exception), "has a value of the wrong type, form or size."));
            }
        }
    }

    private static bool IsJson(string? contentType) =>
        MediaTypeHeaderValue.TryParse(contentType, out var media)
        && media.MediaType.Equals("application/json", StringComparison.OrdinalIgnoreCase)
        && (!media.Charset.HasValue || media.Charset.Equals("utf-8", StringComparison.OrdinalIgnoreCase) || media.Charset.Equals("\"utf-8\"", StringComparison.OrdinalIgnoreCase));

    /// <summary><c>$.scopes[0]</c> is the field <c>scopes[0]</c>.</summary>
    private static string FieldOf(JsonException exception) =>
        exception.Path is { Length: > 2 } path && path.StartsWith("$.", StringComparison.Ordinal) ? path[2..] : "body";
}
