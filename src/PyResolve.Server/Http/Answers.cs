using System.Buffers;
using System.Reflection;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Http.Metadata;
using PyResolve.Client.Wire;

namespace PyResolve.Server.Http;

/// <summary>Writes JSON with its length: headers and body leave in one write, where chunks would take two.</summary>
internal static class Answers
{
    public const string Json = "application/json; charset=utf-8";

    /// <summary>The options of the framework's JSON: relaxed escapes, the names of the API.</summary>
    public static readonly JsonSerializerOptions Options = CreateOptions();

    /// <summary>The largest buffer that is used again, in bytes.</summary>
    private const int MaxReusedBuffer = 64 * 1024;

    [ThreadStatic]
    private static ArrayBufferWriter<byte>? _buffer;

    [ThreadStatic]
    private static Utf8JsonWriter? _writer;

    public static JsonAnswer<T> Ok<T>(T value) => new(value);

    public static CreatedAnswer<T> Created<T>(string? location, T value) => new(location, value);

    public static Task WriteJsonAsync<T>(this HttpResponse response, T value) => response.WriteJsonAsync(value, JsonTypeOf<T>.Info, Json);

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
            if (buffer.Capacity > MaxReusedBuffer)
                (_buffer, _writer) = (null, null);
        }
    }
}

internal sealed class JsonAnswer<T>(T value) : IResult, IEndpointMetadataProvider
{
    public T Value => value;

    public Task ExecuteAsync(HttpContext httpContext) => httpContext.Response.WriteJsonAsync(value);

    public static void PopulateMetadata(MethodInfo method, EndpointBuilder builder) =>
        builder.Metadata.Add(new ProducesResponseTypeMetadata(StatusCodes.Status200OK, typeof(T), ["application/json"]));
}

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
    // Looked up once per type. Throws at the first answer of a type that WireJson does not list.
    public static readonly JsonTypeInfo<T> Info = (JsonTypeInfo<T>)Answers.Options.GetTypeInfo(typeof(T));
}
