using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace PyResolve.Client.Tests.Leases;

/// <summary>A scripted server that signs leases, and records the events that spend them.</summary>
public sealed class LeasingServer : IAsyncDisposable
{
    private readonly ECDsa _signer = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly ConcurrentDictionary<string, Guid> _reservations = new();
    private readonly ConcurrentDictionary<Guid, Guid?> _events = new();
    private readonly ConcurrentQueue<Guid> _released = new();

    private LeasingServer(ScriptedServer script) => Script = script;

    public ScriptedServer Script { get; }

    public TemporaryHome Home => Script.Home;

    public Guid Account { get; } = Guid.CreateVersion7();

    /// <summary>The issuer of its leases.</summary>
    public string Issuer { get; set; } = "https://billing.example";

    public bool IssuesLeases { get; set; } = true;

    /// <summary>The remaining migrations.</summary>
    public int Remaining { get; set; } = 1000;

    /// <summary>The clock of its clients; its own ignores what was set back.</summary>
    public ShiftedClock Clock { get; } = new();

    /// <summary>The number of reservations, leases included.</summary>
    public int Reservations => _reservations.Count;

    public IReadOnlyList<Guid> Released => [.. _released];

    /// <summary>The received events, with the lease that each names.</summary>
    public IReadOnlyDictionary<Guid, Guid?> Events => _events;

    public IReadOnlyList<ReceivedRequest> LeaseRequests =>
        [.. Script.Requests.Where(request => request.Path == "/quota/reservations" && request.Body.Contains("\"machine\""))];

    public static async Task<LeasingServer> StartAsync()
    {
        var script = await ScriptedServer.StartAsync();
        var server = new LeasingServer(script);
        server.On("GET /.well-known/jwks.json", _ => Answer.Json(200, server.PublishedKeys()));
        server.On("GET /me", _ => Answer.Json(
            200, $$"""{"user_id":"{{server.Account}}","email":"ada@example.com","plan":"pro","quota":{{server.Quota()}}}"""));
        server.On("GET /quota", _ => Answer.Json(200, server.Quota()));
        server.On("POST /quota/reservations", server.Reserve);
        server.On("POST /quota/reservations/*/commit", _ => Answer.Json(
            200, $$"""{"state":"committed","remaining":0,"quota":{{server.Quota()}}}"""));
        server.On("DELETE /quota/reservations/*", server.Release);
        server.On("POST /usage", request => server.Record([JsonDocument.Parse(request.Body).RootElement], single: true));
        server.On("POST /usage/batch", request =>
            server.Record([.. JsonDocument.Parse(request.Body).RootElement.GetProperty("events").EnumerateArray()], single: false));
        return server;
    }

    /// <summary>A client with a network.</summary>
    public PyResolveClient Client(Action<PyResolveClientOptions>? configure = null)
    {
        var http = new HttpClient();
        return new(Options(configure), () => http, http, Clock);
    }

    /// <summary>A client in the same home without a network, with short timeouts.</summary>
    public PyResolveClient ClientWithoutNetwork(Action<PyResolveClientOptions>? configure = null) => OfflineClient.Create(
        Options(options =>
        {
            (options.RequestTimeout, options.ShutdownTimeout) = (TimeSpan.FromMilliseconds(100), TimeSpan.Zero);
            configure?.Invoke(options);
        }),
        Clock);

    /// <summary>Prepays with a client that then ends.</summary>
    public async Task PrepayAsync(int migrations, TimeSpan? lifetime = null, MigrationTier tier = MigrationTier.Tier2)
    {
        await using var client = Client(
            options => (options.PrepaidMigrations, options.PrepaidLifetime) = (migrations, lifetime ?? TimeSpan.FromDays(7)));
        (await client.Quota.PrepayAsync(tier)).Remaining.ShouldBe(migrations);
    }

    /// <summary>Connects, sends waiting events, and waits for the renewal of leases.</summary>
    public async Task ReconnectAsync(int prepaid = 0)
    {
        await using var client = Client(options => options.PrepaidMigrations = prepaid);
        await using var permit = await client.Quota.AcquireAsync(new("pydantic", MigrationTier.Tier2));
        await client.Quota.CloseAsync();
    }

    /// <summary>A signed lease, with changes for a test.</summary>
    public string Sign(
        Guid id, int quantity, string tier, string machine, DateTimeOffset expiresAt, Guid? account = null, string type = "pyr-lease+jwt")
    {
        var header = Encode($$"""{"alg":"ES256","kid":"key-1","typ":"{{type}}"}""");
        var claims = Encode($$"""
            {"iss":"{{Issuer}}","sub":"{{account ?? Account}}","jti":"{{id}}","qty":{{quantity}},"tier":"{{tier}}","mch":"{{machine}}",
             "iat":{{Clock.Untouched.ToUnixTimeSeconds()}},"exp":{{expiresAt.ToUnixTimeSeconds()}}}
            """);
        var signature = _signer.SignData(Encoding.ASCII.GetBytes($"{header}.{claims}"), HashAlgorithmName.SHA256);
        return $"{header}.{claims}.{System.Buffers.Text.Base64Url.EncodeToString(signature)}";
    }

    public async ValueTask DisposeAsync()
    {
        await Script.DisposeAsync();
        _signer.Dispose();
    }

    private void On(string route, Func<ReceivedRequest, Answer> answer) => Script.On(
        route, request => answer(request) with { Headers = new Dictionary<string, string> { ["Date"] = Clock.Untouched.ToString("R") } });

    private PyResolveClientOptions Options(Action<PyResolveClientOptions>? configure)
    {
        var options = new PyResolveClientOptions { ApiUrl = Script.Url, ApiKey = ScriptedServer.Key, Home = Home.Path };
        configure?.Invoke(options);
        return options;
    }

    private string PublishedKeys()
    {
        var point = _signer.ExportParameters(includePrivateParameters: false).Q;
        return $$"""
            {"keys":[{"kty":"EC","crv":"P-256","x":"{{System.Buffers.Text.Base64Url.EncodeToString(point.X)}}",
             "y":"{{System.Buffers.Text.Base64Url.EncodeToString(point.Y)}}","use":"sig","alg":"ES256","kid":"key-1"}]}
            """;
    }

    private Answer Reserve(ReceivedRequest request)
    {
        var body = JsonDocument.Parse(request.Body).RootElement;
        var quantity = body.GetProperty("quantity").GetInt32();
        if (quantity > Remaining)
            return Answer.Problem(402, "quota_exceeded", "Monthly limit reached (50 migrations)", resetsAt: "2026-12-01T00:00:00Z");
        var id = _reservations.GetOrAdd(request.Header("Idempotency-Key")!, static _ => Guid.CreateVersion7());
        var tier = body.GetProperty("tier").GetString()!;
        var expiresAt = Clock.Untouched.AddSeconds(body.GetProperty("ttl_seconds").GetInt32());
        var lease = IssuesLeases && body.TryGetProperty(
            "machine", out var machine) ? $"\"{Sign(id, quantity, tier, machine.GetString()!, expiresAt)}\"" : "null";
        return Answer.Json(201, $$"""
            {"id":"{{id}}","state":"held","quantity":{{quantity}},"remaining":{{quantity}},"tier":"{{tier}}","month":"2026-11",
             "expires_at":"{{expiresAt:yyyy-MM-dd'T'HH:mm:ss'Z'}}","lease":{{lease}},"quota":{{Quota()}}}
            """);
    }

    private Answer Release(ReceivedRequest request)
    {
        var id = Guid.Parse(request.Path.Split('/')[3]);
        _released.Enqueue(id);
        return Answer.Json(200, $$"""{"id":"{{id}}","state":"released","quota":{{Quota()}}}""");
    }

    private Answer Record(IReadOnlyList<JsonElement> events, bool single)
    {
        foreach (var usage in events)
            _events[usage.GetProperty("id").GetGuid()] = usage.TryGetProperty("reservation_id", out var lease) ? lease.GetGuid() : null;
        if (single)
            return Answer.Json(200, """{"status":"recorded"}""");
        var results = events.Select(usage => $$"""{"id":{{usage.GetProperty("id").GetRawText()}},"status":"recorded"}""");
        return Answer.Json(200, $$"""{"results":[{{string.Join(',', results)}}]}""");
    }

    private string Quota() => $$"""
        {"plan":"pro","migrations_used":0,"migrations_limit":1000,"migrations_remaining":{{Remaining}},"llm_allowed":true,
         "can_migrate":{{(Remaining > 0 ? "true" : "false")}},"migrations_held":0,"month":"2099-11","resets_at":"{{Answer.ResetsAt}}"}
        """;

    private static string Encode(string json) => System.Buffers.Text.Base64Url.EncodeToString(Encoding.UTF8.GetBytes(json));
}
