using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace PyResolve.Client;

internal sealed record ApiRequest(HttpMethod Method, string Path)
{
    public byte[]? Body { get; private init; }

    public string? IdempotencyKey { get; init; }

    /// <summary>The session to authenticate with; without one, the client's key if <see cref="AllowsKey"/>.</summary>
    public string? SessionToken { get; init; }

    public bool AllowsKey { get; init; }

    /// <summary>Whether it can be retried: a GET, a request with an idempotency key, or one that sets this.</summary>
    public bool IsRepeatable { get => field || Method == HttpMethod.Get || IdempotencyKey is not null; init; }

    /// <summary>Whether the server is asked to answer before the work is done.</summary>
    public bool PrefersAsync { get; init; }

    /// <summary>Whether the account's quota may be another afterwards: of all but a GET, unless this is set to false.</summary>
    public bool ChangesQuota { get => field && Method != HttpMethod.Get; init; } = true;

    public bool UsesKey => AllowsKey && SessionToken is null;

    /// <summary>The path without its query, with <c>{id}</c> in place of ids.</summary>
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

    public ApiRequest With(byte[] json) => this with { Body = json };

    /// <summary>Only method and path, so that no session token or password reaches a log.</summary>
    public override string ToString() => $"{Method} {Path}";

    public static ApiRequest Get(string path) => new(HttpMethod.Get, path) { AllowsKey = true };

    public static ApiRequest Post(string path) => new(HttpMethod.Post, path) { AllowsKey = true };

    public static ApiRequest Patch(string path) => new(new("PATCH"), path) { AllowsKey = true };

    public static ApiRequest Delete(string path) => new(HttpMethod.Delete, path) { AllowsKey = true };
}
