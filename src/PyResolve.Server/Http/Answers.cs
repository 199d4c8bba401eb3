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

    public static JsonAnswer<T> Ok<T>(T value) => new(value);

    /// <param name="location">The path of what was made, where it has one.</param>
    /// <param name="value">The body.</param>
    public static CreatedAnswer<T> Created<T>(string? location, T value) => new(location, value);

    /// <summary>Writes <paramref name="value"/> as the whole body.</summary>
    public static Task WriteJsonAsync<T>(this HttpResponse response, T value) => response.WriteJsonAsync(value, JsonTypeOf<T>.Info, Json);

    /// <inheritdoc cref="WriteJsonAsync{T}(HttpResponse, T)"/>
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

/// <summary>200 and a value.</summary>
internal sealed class JsonAnswer<T>(T value) : IResult, IEndpointMetadataProvider
{
    public Task ExecuteAsync(HttpContext httpContext) => httpContext.Response.WriteJsonAsync(value);

    public static void PopulateMetadata(MethodInfo method, EndpointBuilder builder) =>
        builder.Metadata.Add(new ProducesResponseTypeMetadata(StatusCodes.Status200OK, typeof(T), ["application/json"]));
}

/// <summary>201 and what was made.</summary>
internal sealed class CreatedAnswer<T>(string? location, T value) : IResult, IEndpointMetadataProvider
{
    public Task ExecuteAsync(HttpContext httpContext)
    {
        httpContext.Response.StatusCode = StatusCodes.Status201Created;
        if (location is not null)
            httpContext.Response.Headers.Location = location;
        return httpContext.Response.WriteJsonAsync(value);
    }

    public static void PopulateMetadata(MethodInfo method, EndpointBuilder builder) =>
        builder.Metadata.Add(new ProducesResponseTypeMetadata(StatusCodes.Status201Created, typeof(T), ["application/json"]));
}

file static class JsonTypeOf<T>
{
    // Looked up once a type: it is in the source-generated context, or this fails at the first answer of any test.
    public static readonly JsonTypeInfo<T> Info = (JsonTypeInfo<T>)Answers.Options.GetTypeInfo(typeof(T));
}
