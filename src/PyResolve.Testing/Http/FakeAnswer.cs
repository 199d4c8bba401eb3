using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using PyResolve.Client;
using PyResolve.Client.Wire;

namespace PyResolve.Testing.Http;

internal delegate Task<FakeAnswer> AnswerRequest(FakeRequest request, CancellationToken cancellationToken);

internal sealed record FakeAnswer(int Status, string? ContentType, byte[] Body)
{
    public static FakeAnswer NoContent { get; } = new(204, null, []);

    public static FakeAnswer Accepted { get; } = new(202, null, []);

    public IReadOnlyList<(string Name, string Value)> Headers { get; init; } = [];

    /// <summary>What is answered instead, after a while.</summary>
    public LaterAnswer? Later { get; init; }

    public static FakeAnswer Json<T>(T body, JsonTypeInfo<T> type, int status = 200) =>
        new(status, "application/json; charset=utf-8", JsonSerializer.SerializeToUtf8Bytes(body, type));

    public static FakeAnswer Of(Problem problem, TimeSpan? retryAfter = null)
    {
        var requestId = Uuid.NewVersion7(TimeProvider.System).ToString("N");
        var headers = new List<(string, string)> { ("X-Request-Id", requestId), ("Cache-Control", "no-store") };
        if (problem.Status == 401)
            headers.Add(("WWW-Authenticate", "Bearer realm=\"PyResolve\""));
        if (retryAfter is { } wait)
            headers.Add(("Retry-After", Math.Ceiling(wait.TotalSeconds).ToString(CultureInfo.InvariantCulture)));
        var body = JsonSerializer.SerializeToUtf8Bytes(problem with { RequestId = requestId }, WireJson.Default.Problem);
        return new(problem.Status!.Value, "application/problem+json", body)
        {
            Headers = headers,
        };
    }
}

/// <param name="Wait">How long to wait, on the server's clock, before it is asked for.</param>
/// <param name="Read">The answer then, which may have to wait again.</param>
/// <param name="Abandon">Called instead when nobody waits any more.</param>
internal sealed record LaterAnswer(TimeSpan Wait, Func<FakeAnswer> Read, Action Abandon);
