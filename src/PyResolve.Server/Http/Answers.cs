using System.Buffers;
using System.Reflection;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Http.Metadata;
using PyResolve.Client.Wire;

namespace PyResolve.Server.Http;

/// <summary>Answers of JSON, whole and with their length: headers and body leave in one write, where chunks would take two.</summary>
internal static class Answers
{
    public const string Json = "application/json; charset=utf-8";

    /// <summary>As the framework writes them: relaxed escapes, the wire's names.</summary>
    public static readonly JsonSerializerOptions Options = CreateOptions();

    /// <summary>Above this, in bytes, a buffer is not kept for the next answer.</summary>
    private const int LargestKept = 64 * 1024;

    [ThreadStatic]
    private static ArrayBufferWriter<byte>? _buffer;

    [ThreadStatic]
    private static Utf8JsonWriter? _writer;

    public static JsonAnswer<T> Ok<T>(T value) => new(StatusCodes.Status200OK, value);

    /// <param name="location">The path of what was made, where it has one.</param>
    /// <param name="value">The body.</param>
    public static JsonAnswer<T> Created<T>(string? location, T value) => new(StatusCodes.Status201Created, value, location);

    /// <summary>Writes <paramref name="value"/> as the whole body.</summary>
    public static async Task WriteJsonAsync<T>(this HttpResponse response, T value, JsonTypeInfo<T> type, string contentType)
    {
        response.ContentType = contentType;
        Write(response, value, type);
        await response.BodyWriter.FlushAsync(response.HttpContext.RequestAborted);
    }

    private static JsonSerializerOptions CreateOptions()
    {
        var options = new JsonSerializerOptions(JsonSerializerDefaults.Web) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
        WireJson.ApplyTo(options);
        return options;
    }

    private static void Write<T>(HttpResponse response, T value, JsonTypeInfo<T> type)
    {
        var buffer = _buffer ??= new ArrayBufferWriter<byte>(1024);
        var writer = _writer ??= new Utf8JsonWriter(buffer, new JsonWriterOptions { SkipValidation = true, Encoder = Options.Encoder });
        try
        {
            JsonSerializer.Serialize(writer, value, type);
            response.ContentLength = buffer.WrittenCount;
            response.BodyWriter.Write(buffer.WrittenSpan);
        }
        finally
        {
            buffer.ResetWrittenCount();
            writer.Reset();
            if (buffer.Capacity > LargestKept)
                (_buffer, _writer) = (null, null);
        }
    }
}

/// <summary>A value as the whole answer.</summary>
internal sealed class JsonAnswer<T>(int status, T value, string? location = null)
    : IResult, IEndpointMetadataProvider
{
    // Looked up once a type: it is in the source-generated context, or this fails at the first answer of any test.
    private static readonly JsonTypeInfo<T> Type = (JsonTypeInfo<T>)Answers.Options.GetTypeInfo(typeof(T));

    public Task ExecuteAsync(HttpContext httpContext)
    {
        httpContext.Response.StatusCode = status;
        if (location is not null)
            httpContext.Response.Headers.Location = location;
        return httpContext.Response.WriteJsonAsync(value, Type, Answers.Json);
    }

    /// <summary>What a route that answers nothing else tells the API description.</summary>
    public static void PopulateMetadata(MethodInfo method, EndpointBuilder builder) =>
        builder.Metadata.Add(new ProducesResponseTypeMetadata(StatusCodes.Status200OK, typeof(T), ["application/json"]));
}
