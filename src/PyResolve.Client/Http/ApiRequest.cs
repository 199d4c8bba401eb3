using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace PyResolve.Client;

/// <summary>One request to a route of the contract.</summary>
internal sealed record ApiRequest(HttpMethod Method, string Path)
{
    public byte[]? Body { get; private init; }

    public string? IdempotencyKey { get; init; }

    /// <summary>The session that asks; without one, the client's key does if <see cref="NeedsKey"/>.</summary>
    public string? SessionToken { get; init; }

    public bool NeedsKey { get; init; }

    /// <summary>Whether sending it twice does what sending it once does: it reads, or carries an id of its own.</summary>
    public bool IsRepeatable { get => field || Method == HttpMethod.Get || IdempotencyKey is not null; init; }

    public bool SendsKey => NeedsKey && SessionToken is null;

    /// <summary>The path with <c>{id}</c> for its ids and without its query, as the contract names it.</summary>
    public string Route
    {
        get
        {
            var segments = Path.Split('?')[0].Split('/');
            for (var i = 0; i < segments.Length; i++)
            {
                if (Guid.TryParse(segments[i], out _))
                    segments[i] = "{id}";
            }

            return string.Join("/", segments);
        }
    }

    public ApiRequest With<T>(T body, JsonTypeInfo<T> type) => this with { Body = JsonSerializer.SerializeToUtf8Bytes(body, type) };

    /// <summary>With a body that is JSON already.</summary>
    public ApiRequest With(byte[] json) => this with { Body = json };

    /// <summary>The route alone, so that a session or a password never reaches a log.</summary>
    public override string ToString() => $"{Method} {Path}";

    public static ApiRequest Get(string path) => new(HttpMethod.Get, path) { NeedsKey = true };

    public static ApiRequest Post(string path) => new(HttpMethod.Post, path) { NeedsKey = true };

    public static ApiRequest Patch(string path) => new(new("PATCH"), path) { NeedsKey = true };

    public static ApiRequest Delete(string path) => new(HttpMethod.Delete, path) { NeedsKey = true };
}
