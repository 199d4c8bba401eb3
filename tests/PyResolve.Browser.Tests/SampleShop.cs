using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.Extensions.Configuration;
using PyResolve.StripeSimulator;

namespace PyResolve.Browser.Tests;

/// <summary>
/// A server and a simulator that sell one of samples/catalogues, set up by <c>stripe setup</c> as the operator runs it. Both have one
/// clock, which the test moves.
/// </summary>
internal sealed class SampleShop : IAsyncDisposable
{
    private readonly PostgresFixture _postgres = new();
    private readonly TestClock _clock = new(NextMonth(TimeProvider.System.GetUtcNow()));
    private readonly HttpClient _stripe = new();
    private StripeSimulatorHost _simulator = null!;
    private TestStore _store = null!;
    private TestServer _server = null!;

    private SampleShop()
    {
    }

    public DateTimeOffset Now => _clock.GetUtcNow();

    /// <summary>The settings that setup printed.</summary>
    public IReadOnlyDictionary<string, string?> Printed { get; private set; } = new Dictionary<string, string?>();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static async Task<SampleShop> OpenAsync(string catalogue)
    {
        var shop = new SampleShop();
        try
        {
            await shop.StartAsync(catalogue);
            return shop;
        }
        catch
        {
            await shop.DisposeAsync();
            throw;
        }
    }

    public string Address(string path) => new Uri(_server.Address, path).ToString();

    public Caller Tool(string apiKey) => _server.WithKey(apiKey);

    /// <summary>Time passes for the server and at Stripe.</summary>
    public void PassTo(DateTimeOffset instant)
    {
        _clock.SetUtcNow(instant);
        _simulator.Simulation.Advance(TimeSpan.Zero);
    }

    /// <summary>Everything that people have paid at Stripe, in order, in cents.</summary>
    public async Task<long[]> ReadTakenAsync()
    {
        var payments = await _stripe.GetFromJsonAsync<JsonElement>("/v1/payment_intents?limit=100", Cancellation);
        return
        [
            .. payments.GetProperty("data").EnumerateArray()
                .Where(static payment => payment.GetProperty("status").GetString() == "succeeded")
                .Select(static payment => payment.GetProperty("amount").GetInt64())
                .Reverse(),
        ];
    }

    public Task OverageIsReportedAsync() => Eventually.IsTrueAsync(
        async () => await _store.ReadNumberAsync("select count(*) from meter_events where sent_at is null") == 0,
        cancellationToken: Cancellation,
        what: "every meter event is at Stripe");

    public async ValueTask DisposeAsync()
    {
        if (_server is not null)
            await _server.DisposeAsync();
        if (_store is not null)
            await _store.DisposeAsync();
        if (_simulator is not null)
            await _simulator.DisposeAsync();
        _stripe.Dispose();
        await _postgres.DisposeAsync();
    }

    private async Task StartAsync(string catalogue)
    {
        _simulator = await StripeSimulatorHost.StartAsync(new StripeSimulatorOptions { TimeProvider = _clock }, Cancellation);
        _stripe.BaseAddress = _simulator.Address;
        _stripe.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", _simulator.SecretKey);
        _store = await TestStore.CreateAsync(StorageEngine.Sqlite, _postgres);
        var address = $"http://127.0.0.1:{Loopback.FreePort()}";
        var settings = new Dictionary<string, string?>(ReadSample(catalogue))
        {
            ["PYRESOLVE_PUBLIC_URL"] = address,
            ["STRIPE_API_BASE"] = _simulator.Address.ToString(),
            ["STRIPE_SECRET_KEY"] = _simulator.SecretKey,
        };
        Printed = await SetUpAsync(settings);
        _server = await TestServer.StartAsync(
            _store, new Dictionary<string, string?>(settings.Concat(Printed)) { ["urls"] = address }, _clock);
    }

    private async Task<Dictionary<string, string?>> SetUpAsync(IReadOnlyDictionary<string, string?> settings)
    {
        var environment = settings.Concat(_store.Settings).ToDictionary(
            static setting => setting.Key.Replace(":", "__", StringComparison.Ordinal), static setting => setting.Value);
        var result = (await ServerProcess.RunAsync(["stripe", "setup"], environment, Cancellation)).OrThrow("stripe setup");
        return result.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Where(static line => line[0] != '#')
            .Select(static line => line.Split('=', 2))
            .ToDictionary(static pair => pair[0], static string? (pair) => pair[1].Trim());
    }

    private static IEnumerable<KeyValuePair<string, string?>> ReadSample(string name)
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "PyResolve.sln")))
            folder = folder.Parent ?? throw new InvalidOperationException("The tests do not run within the repository.");
        return new ConfigurationBuilder().AddJsonFile(Path.Combine(folder.FullName, "samples", "catalogues", name)).Build()
            .AsEnumerable().Where(static setting => setting.Value is not null);
    }

    /// <summary>A browser drops a cookie that ends before its own time, so that the story begins after it.</summary>
    private static DateTimeOffset NextMonth(DateTimeOffset now) =>
        new DateTimeOffset(now.Year, now.Month, 1, 12, 0, 0, TimeSpan.Zero).AddMonths(1);
}
