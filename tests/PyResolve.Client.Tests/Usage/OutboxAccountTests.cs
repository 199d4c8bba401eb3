namespace PyResolve.Client.Tests.Usage;

/// <summary>Events of one key are sent with another only if the server says that both belong to the same account.</summary>
public sealed class OutboxAccountTests : IAsyncLifetime
{
    private const string OldKey = ScriptedServer.Key;
    private static readonly string NewKey = OldKey.Replace("0123", "9876");
    private static readonly Guid Ada = new("019ab3c2-7d1e-7c4a-9f0b-3f1d5a6e8b90");
    private static readonly Guid Bob = new("019ab3c2-7d1e-7c4a-9f0b-3f1d5a6e8b91");

    private readonly Dictionary<string, Guid> _accounts = new() { [OldKey] = Ada, [NewKey] = Ada };
    private readonly HashSet<string> _revoked = [];
    private readonly Dictionary<Guid, List<Guid>> _recorded = new() { [Ada] = [], [Bob] = [] };
    private ScriptedServer _server = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _server = await ScriptedServer.StartAsync();
        _server.On("POST /usage", request => Record(request, static body => [body]));
        _server.On("POST /usage/batch", request => Record(request, static body => body.GetProperty("events").EnumerateArray()));
    }

    [Fact]
    public async Task A_rotated_key_adopts_the_events_of_the_previous_one()
    {
        await SendOneAsync(OldKey);
        var left = await LeaveBehindAsync(OldKey, events: 3);
        _revoked.Add(OldKey);

        await SendOneAsync(NewKey);

        _recorded[Ada].Count.ShouldBe(5);
        left.ShouldBeSubsetOf(_recorded[Ada]);
        _server.Home.OutboxFiles().ShouldBeEmpty();
    }

    [Fact]
    public async Task A_key_with_a_known_account_adopts_events_at_its_first_flush()
    {
        await SendOneAsync(OldKey);
        await SendOneAsync(NewKey);
        var left = await LeaveBehindAsync(OldKey, events: 2);

        await using var client = Client(NewKey);
        await client.Usage.FlushAsync(Cancellation);

        client.Usage.Sent.ShouldBe(2);
        left.ShouldBeSubsetOf(_recorded[Ada]);
    }

    [Fact]
    public async Task Logging_in_also_identifies_the_account_of_the_key()
    {
        _server.On("GET /me", Answer.Json(
            200, $$"""{"user_id":"{{Ada}}","email":"ada@example.com","plan":"free","quota":{{Answer.QuotaBody(0)}}}"""));
        foreach (var key in new[] { OldKey, NewKey })
        {
            await using var login = Client(key);
            await login.GetAccountAsync(Cancellation);
        }

        await LeaveBehindAsync(OldKey, events: 2);
        await using var client = Client(NewKey);
        await client.Usage.FlushAsync(Cancellation);

        _recorded[Ada].Count.ShouldBe(2);
    }

    [Fact]
    public async Task A_key_of_another_account_adopts_nothing()
    {
        _accounts[NewKey] = Bob;
        await SendOneAsync(OldKey);
        await LeaveBehindAsync(OldKey, events: 3);
        _revoked.Add(OldKey);

        await SendOneAsync(NewKey);
        await SendOneAsync(NewKey);

        (_recorded[Ada].Count, _recorded[Bob].Count).ShouldBe((1, 2));
        _server.Home.OutboxFiles().Count.ShouldBe(1);
    }

    [Fact]
    public async Task Events_of_a_key_with_an_unknown_account_are_not_adopted()
    {
        await LeaveBehindAsync(OldKey, events: 3);

        await SendOneAsync(NewKey);

        _recorded[Ada].Count.ShouldBe(1);
        _server.Home.OutboxFiles().Count.ShouldBe(1);
    }

    [Fact]
    public async Task The_same_account_id_on_another_server_is_another_account()
    {
        await SendOneAsync(OldKey);
        await LeaveBehindAsync(OldKey, events: 3);
        await using var elsewhere = await ScriptedServer.StartAsync();
        elsewhere.On("POST /usage", request => Record(request, static body => [body]));

        await using var client = Client(NewKey, elsewhere);
        client.Usage.Report(new("scan"));
        await client.Usage.FlushAsync(Cancellation);

        elsewhere.Requests.Count.ShouldBe(1);
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    private async Task SendOneAsync(string key)
    {
        await using var client = Client(key);
        client.Usage.Report(new("scan"));
        await client.Usage.FlushAsync(Cancellation);
    }

    private async Task<IReadOnlyList<Guid>> LeaveBehindAsync(string key, int events)
    {
        await using var client = _server.ClientWithoutNetwork(options => options.ApiKey = key);
        return [.. Enumerable.Range(0, events).Select(_ => client.Usage.Report(new("scan")).EventId.ShouldNotBeNull())];
    }

    private PyResolveClient Client(string key, ScriptedServer? server = null) =>
        PyResolveClient.Create(new() { ApiUrl = (server ?? _server).Url, ApiKey = key, Home = _server.Home.Path });

    private Answer Record(ReceivedRequest request, Func<System.Text.Json.JsonElement, IEnumerable<System.Text.Json.JsonElement>> events)
    {
        var key = request.Header("X-API-Key")!;
        if (_revoked.Contains(key))
            return Answer.Problem(401, "unauthenticated", "Invalid or revoked API key");
        var ids = events(System.Text.Json.JsonDocument.Parse(request.Body).RootElement).Select(usage => usage.GetProperty("id").GetGuid())
            .ToList();
        lock (_recorded)
            _recorded[_accounts[key]].AddRange(ids);
        var results = ids.Select(id => $$"""{"id":"{{id}}","status":"recorded"}""");
        return Answer.Json(200, $$"""{"status":"recorded","results":[{{string.Join(',', results)}}]}""") with
        {
            Headers = new Dictionary<string, string> { ["X-Account-Id"] = $"{_accounts[key]}" },
        };
    }
}
