using PyResolve.Benchmarks.Load;

namespace PyResolve.Benchmarks.Scenarios;

/// <summary>The requests that are sent most: by tools that use the product, and here.</summary>
internal static class Work
{
    public const int BatchSize = 1_000;

    /// <summary>The usual number of connections for batches: each has many events in flight.</summary>
    public const int BatchConnections = 8;

    /// <summary>Times the usual number of connections: 256 by default.</summary>
    public const int Many = 8;

    /// <summary>A limit that is checked each time, and never reached.</summary>
    public static readonly IReadOnlyDictionary<string, string?> NeverUsedUp = new Dictionary<string, string?>
    {
        ["PyResolve__Plans__pro__MigrationsLimit"] = "1000000000000",
    };

    private const string Event =
        $$"""
        {"event_type":"migration","library":"pydantic","tier":"tier2","files_changed":3,"tokens_used":1200,"metadata":{"model":"m"},"id":"{{Message.NewId}}"}
        """;

    private const string Reservation = """{"quantity":1,"tier":"tier1","library":"pydantic","ttl_seconds":900}""";

    private static readonly string Batch = $$"""{"events":[{{string.Join(',', Enumerable.Repeat(Event, BatchSize))}}]}""";

    public static Requests ReadQuota(IEnumerable<string> keys) => Requests.Get("GET /quota", "/quota", keys, 200);

    public static Requests SendEvents(IEnumerable<string> keys, string path = "/usage") =>
        Requests.Post($"POST {path}", path, keys, Event);

    public static Requests SendBatches(IEnumerable<string> keys) => Requests.Post("POST /usage/batch", "/usage/batch", keys, Batch);

    public static Requests Reserve(IEnumerable<string> keys, string path = "/quota/reservations") =>
        new($"POST {path}", [.. keys.Select(key => Message.Post(path, key, Reservation))], 201);
}
