using Microsoft.Extensions.Configuration;
using Microsoft.AspNetCore.Builder;
using PyResolve.Server.Hosting;
using PyResolve.Server.Plans;

namespace PyResolve.Server.Tests.Hosting;

public sealed class ConfigurationTests(SharedServers servers)
{
    [Fact]
    public async Task Plan_limits_and_prices_are_configurable()
    {
        await using var own = await OwnServer.StartAsync(StorageEngine.Sqlite, servers.Postgres, settings: new Dictionary<string, string?>
        {
            ["PyResolve:Plans:free:MigrationsLimit"] = "2",
            ["PyResolve:Plans:free:LlmAllowed"] = "true",
            ["PyResolve:Plans:pro:MigrationsLimit"] = "unlimited",
            ["PyResolve:Plans:pro:Price:Amount"] = "2500",
        });
        var account = await own.SignUpAsync();

        (await account.ReserveAsync(quantity: 2, tier: "tier3")).Status.ShouldBe(201);
        (await account.ReserveAsync()).Status.ShouldBe(402);
        var pro = (await own.Server.Anonymous.GetAsync("/plans"))["data"][1];
        pro.GetProperty("migrations_limit").GetString().ShouldBe("unlimited");
        pro.GetProperty("price").GetProperty("amount").GetInt64().ShouldBe(2500);
        pro.GetProperty("price").GetProperty("currency").GetString().ShouldBe("usd");
    }

    [Theory]
    [InlineData("pro", "Currency", "eur", 1900, "eur", "month")]
    [InlineData("pro", "Interval", "year", 1900, "usd", "year")]
    public void A_currency_or_an_interval_counts_also_without_an_amount(
        string plan, string member, string value, long amount, string currency, string interval)
    {
        var price = Plans(($"PyResolve:Plans:{plan}:Price:{member}", value))[plan].Price!;

        (price.Amount, price.Currency, price.Interval).ShouldBe((amount, currency, interval));
    }

    [Fact]
    public void A_currency_of_a_plan_without_a_price_is_refused() =>
        Should.Throw<InvalidConfigurationException>(() => Plans(("PyResolve:Plans:enterprise:Price:Currency", "eur")))
            .Message.ShouldContain("PyResolve:Plans:enterprise:Price:Amount");

    private static PlanCatalog Plans((string Name, string Value) setting) =>
        new(new ConfigurationBuilder().AddInMemoryCollection([KeyValuePair.Create(setting.Name, (string?)setting.Value)]).Build());

    [Fact]
    public async Task A_limit_of_zero_refuses_everything()
    {
        await using var own = await OwnServer.StartAsync(
            StorageEngine.Sqlite,
            servers.Postgres,
            settings: new Dictionary<string, string?> { ["PyResolve:Plans:free:MigrationsLimit"] = "0" });
        var account = await own.SignUpAsync();

        (await account.ReserveAsync()).Status.ShouldBe(402);
        (await account.Key.GetAsync("/quota"))["can_migrate"].GetBoolean().ShouldBeFalse();
    }

    [Theory]
    [InlineData("https://pyresolve.dev", true)]
    [InlineData("http://localhost:3000", true)]
    [InlineData("https://pyresolve.dev.evil.example", false)]
    [InlineData("null", false)]
    public async Task The_seeds_web_pages_may_call_from_a_browser_and_no_others(string origin, bool mayCall)
    {
        var server = await servers.OnAsync(StorageEngine.Sqlite);

        var preflight = await server.Anonymous.SendAsync(HttpMethod.Options, "/usage", body: null,
            [("Origin", origin), ("Access-Control-Request-Method", "POST"), ("Access-Control-Request-Headers", "x-api-key,content-type")]);
        var refusal = await server.Anonymous.SendAsync(HttpMethod.Get, "/me", body: null, [("Origin", origin)]);

        AllowedOrigin(preflight).ShouldBe(mayCall ? origin : null);
        AllowedOrigin(refusal).ShouldBe(mayCall ? origin : null);
        if (mayCall)
            preflight.Headers.GetValues("Access-Control-Allow-Headers").Single().ShouldContain("x-api-key");
    }

    [Fact]
    public async Task Other_origins_can_be_configured()
    {
        await using var own = await OwnServer.StartAsync(
            StorageEngine.Sqlite, servers.Postgres, settings: new Dictionary<string, string?> { ["PyResolve:CorsOrigins"] = "https://a.example, https://b.example" });

        AllowedOrigin(await own.Server.Anonymous.SendAsync(HttpMethod.Get, "/plans", body: null, [("Origin", "https://b.example")])).ShouldBe("https://b.example");
        AllowedOrigin(await own.Server.Anonymous.SendAsync(HttpMethod.Get, "/plans", body: null, [("Origin", "https://pyresolve.dev")])).ShouldBeNull();
    }

    [Theory]
    [InlineData(null, null, "http://localhost:8000")]
    [InlineData("9123", null, "http://*:9123")]
    [InlineData("9123", "", "http://*:9123")]
    [InlineData("9123", "http://127.0.0.1:9124", "http://127.0.0.1:9124")]
    public async Task It_listens_on_the_configured_address_else_on_PORT_else_on_8000(string? port, string? urls, string expected)
    {
        await using var store = await TestStore.CreateAsync(StorageEngine.Sqlite, servers.Postgres);

        // Not started: these ports may be in use where the tests run.
        await using var app = Build(store, port, urls);

        app.Configuration["urls"].ShouldBe(expected);
    }

    [Fact]
    public async Task PORT_is_served_on_every_address()
    {
        var cancellation = TestContext.Current.CancellationToken;
        await using var store = await TestStore.CreateAsync(StorageEngine.Sqlite, servers.Postgres);
        await using var app = Build(store, port: "0", urls: null);

        await app.StartAsync(cancellation);

        var address = new Uri(app.Urls.Single());
        address.Host.ShouldBe("[::]");
        using var http = new HttpClient { BaseAddress = new UriBuilder(address) { Host = "127.0.0.1" }.Uri };
        (await new Caller(http).GetAsync("/health")).Status.ShouldBe(200);
        (await new Caller(http).GetAsync("/me")).Detail.ShouldBe($"API key required. Get one at http://localhost:{address.Port}");
    }

    private static WebApplication Build(TestStore store, string? port, string? urls)
    {
        var builder = ServerApp.CreateBuilder([]);
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>(store.Settings)
        {
            ["PORT"] = port,
            ["urls"] = urls,
            ["Logging:LogLevel:Default"] = "Error",
            ["Logging:LogLevel:Microsoft.Hosting.Lifetime"] = "Error",
        });
        return ServerApp.Build(builder);
    }

    private static string? AllowedOrigin(Answer answer) =>
        answer.Headers.TryGetValues("Access-Control-Allow-Origin", out var values) ? values.Single() : null;
}
