using System.Text.Json;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace PyResolve.Client.Tests;

/// <summary>What a tool that embeds the client brings along: its name, its words, its loggers, its keys.</summary>
public sealed class ToolTests : IDisposable
{
    private const string OtherKey = "pyr_live_fedcba9876543210fedcba9876543210fedcba9876543210";

    private readonly TemporaryHome _home = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_tools_name_is_in_the_user_agent()
    {
        await using var server = await ScriptedServer.StartAsync();
        server.On("GET /quota", Answer.Quota(0));
        await using var client = server.Client(options => options.ApplicationName = "mytool/1.2");

        await client.GetQuotaAsync(Cancellation);

        server.Requests.Single().Header("User-Agent").ShouldNotBeNull().ShouldStartWith("mytool/1.2 pyresolve-dotnet/");
    }

    [Theory]
    [InlineData("my tool")]
    [InlineData("mytool/1/2")]
    [InlineData("")]
    [InlineData("tööl")]
    public void A_name_that_no_header_takes_is_refused(string name) =>
        Should.Throw<PyResolveException>(() => PyResolveClient.Create(new() { Home = _home.Path, ApplicationName = name }))
            .Message.ShouldContain("mytool/1.2");

    [Fact]
    public async Task A_tools_own_words_and_links_replace_the_products_everywhere()
    {
        await using var server = await ScriptedServer.StartAsync();
        server.On("GET /me", Answer.Problem(401, "unauthenticated", "Invalid or revoked API key."));
        server.On("GET /quota", Answer.Quota(5));
        server.On("POST /quota/reservations", Answer.Json(402, """
            {"code":"quota_exceeded","detail":"Monthly limit reached.","upgrade_url":"https://pyresolve.dev/pricing"}
            """));
        void Own(PyResolveClientOptions options) => (options.LogInHint, options.SignUpUrl, options.UpgradeUrl) =
            ("Sign in under Tools > MyTool.", new("https://mytool.example/join"), new("https://mytool.example/upgrade"));
        await using var client = server.Client(Own);
        var keyless = new PyResolveClientOptions { ApiUrl = server.Url, Home = _home.Path };
        Own(keyless);
        await using var anonymous = PyResolveClient.Create(keyless);

        string?[] texts =
        [
            (await Should.ThrowAsync<PyResolveException>(client.GetAccountAsync(Cancellation))).Message,
            (await Should.ThrowAsync<PyResolveException>(anonymous.GetAccountAsync(Cancellation))).Message,
            anonymous.Usage.Report(new("scan")).Reason,
            (await anonymous.Quota.AcquireAsync(new("pydantic", MigrationTier.Tier2), Cancellation)).Denial?.Message,
        ];
        var denied = (await client.Quota.AcquireAsync(new("pydantic"), Cancellation)).Denial.ShouldNotBeNull();
        var check = (await client.Quota.CheckAsync(cancellationToken: Cancellation)).Denial.ShouldNotBeNull();

        texts.ShouldAllBe(text => text!.Contains("Sign in under Tools > MyTool."));
        texts[3].ShouldNotBeNull().ShouldContain("https://mytool.example/join");
        string[] all = [.. texts.Select(text => text!), denied.Message, check.Message];
        all.ShouldNotContain(text => text.Contains("pyresolve login") || text.Contains("pyresolve.dev"));
        (denied.UpgradeUrl, check.UpgradeUrl).ShouldBe((new("https://mytool.example/upgrade"), new("https://mytool.example/upgrade")));
    }

    [Fact]
    public async Task A_checks_denial_has_the_link_to_upgrade()
    {
        await using var server = await ScriptedServer.StartAsync();
        server.On("GET /quota", Answer.Quota(5));
        await using var client = server.Client();

        var denial = (await client.Quota.CheckAsync(cancellationToken: Cancellation)).Denial.ShouldNotBeNull();

        denial.UpgradeUrl.ShouldBe(new Uri(server.Url, "/pricing"));
        denial.Hint.ShouldNotBeNull().ShouldEndWith($"Upgrade at {new Uri(server.Url, "/pricing")}");
    }

    [Fact]
    public async Task A_client_without_a_container_logs_to_the_tools_loggers()
    {
        using var log = new RecordedLog();
        using var loggers = LoggerFactory.Create(logging => logging.AddProvider(log));
        await using var client = PyResolveClient.Create(new() { Home = _home.Path, LoggerFactory = loggers });

        client.Usage.Report(new("scan"));

        log.Lines.ShouldContain(line => line.Contains("There is no API key."));
    }

    [Fact]
    public async Task A_client_says_whether_it_has_a_key_wherever_that_came_from()
    {
        await using var with = PyResolveClient.Create(new() { Home = _home.Path, ApiKey = OtherKey });
        await using var without = PyResolveClient.Create(new() { Home = _home.Path });

        (with.HasApiKey, without.HasApiKey).ShouldBe((true, false));
    }

    [Fact]
    public async Task A_client_that_is_switched_off_grants_everything_and_asks_reads_and_writes_nothing()
    {
        await using var server = await ScriptedServer.StartAsync();
        server.Home.Config = "this is not TOML";
        await using var client = server.Client(options => options.Enabled = false);

        await using var permit = await client.Quota.AcquireAsync(new("pydantic", MigrationTier.Tier3), Cancellation);
        await permit.CompleteAsync(new() { FilesChanged = 1 }, Cancellation);
        var check = await client.Quota.CheckAsync(MigrationTier.Tier2, Cancellation);
        var report = client.Usage.Report(new("scan"));
        await client.Usage.FlushAsync(Cancellation);

        (permit.IsGranted, check.IsAllowed, report.Refusal, client.HasApiKey).ShouldBe((true, true, ReportRefusal.Disabled, false));
        (await Should.ThrowAsync<PyResolveException>(client.GetQuotaAsync(Cancellation))).Code.ShouldBe(PyResolveErrorCodes.Disabled);
        server.Requests.ShouldBeEmpty();
        Directory.GetFileSystemEntries(server.Home.Path).ShouldHaveSingleItem();
    }

    [Fact]
    public async Task Several_keys_in_one_container_are_kept_apart()
    {
        await using var server = await ScriptedServer.StartAsync();
        server.On("GET /quota", Answer.Quota(0));
        var services = new ServiceCollection();
        foreach (var (name, key) in new[] { ("a", ScriptedServer.Key), ("b", OtherKey) })
        {
            services.AddKeyedPyResolveClient(
                name, options => (options.ApiUrl, options.ApiKey, options.Home) = (server.Url, key, _home.Path));
        }

        await using var provider = services.BuildServiceProvider();

        await provider.GetRequiredKeyedService<PyResolveClient>("a").GetQuotaAsync(Cancellation);
        await provider.GetRequiredKeyedService<PyResolveClient>("b").GetQuotaAsync(Cancellation);

        server.Requests.Select(request => request.Header("X-API-Key")).ShouldBe([ScriptedServer.Key, OtherKey]);
    }

    [Fact]
    public async Task A_tool_is_told_when_delivery_begins_to_fail_and_when_it_works_again()
    {
        await using var server = await ScriptedServer.StartAsync();
        // The report itself may be sent before the first flush asks for it.
        var isRefused = true;
        server.On("POST /usage", _ => Volatile.Read(ref isRefused)
            ? Answer.Problem(401, "unauthenticated", "No.")
            : Answer.Json(200, """{"status":"recorded"}"""));
        await using var client = server.Client();
        var changes = new List<string?>();
        client.Usage.DeliveryChanged += (_, change) =>
        {
            lock (changes)
                changes.Add(change.Failure?.Code);
            throw new InvalidOperationException("A handler's own failure.");
        };
        client.Usage.Report(new("scan"));

        await Should.ThrowAsync<PyResolveException>(client.Usage.FlushAsync(Cancellation));
        await Should.ThrowAsync<PyResolveException>(client.Usage.FlushAsync(Cancellation));
        Volatile.Write(ref isRefused, false);
        await client.Usage.FlushAsync(Cancellation);

        lock (changes)
            changes.ShouldBe(["unauthenticated", null]);
    }

    [Fact]
    public void Metadata_is_made_from_a_dictionary()
    {
        var metadata = UsageMetadata.From(new Dictionary<string, object?>
        {
            ["rules"] = 3, ["ratio"] = 0.5, ["dry"] = true, ["name"] = "a\"b", ["none"] = null, ["tags"] = new[] { "x", "y" },
            ["more"] = new Dictionary<string, object?> { ["tier"] = MigrationTier.Tier2 },
            ["counts"] = new Dictionary<string, int> { ["a"] = 1 },
        });

        metadata.GetRawText().ShouldBe(
            """{"rules":3,"ratio":0.5,"dry":true,"name":"a\u0022b","none":null,"tags":["x","y"]"""
            + ""","more":{"tier":"Tier2"},"counts":{"a":1}}""");
        new UsageEvent("scan") { Metadata = metadata }.Metadata.ShouldNotBeNull().ValueKind.ShouldBe(JsonValueKind.Object);
        Should.Throw<ArgumentException>(() => UsageMetadata.From([new("x", new object())])).Message.ShouldContain("'x'");
        Should.Throw<ArgumentException>(() => UsageMetadata.From([new("x", double.NaN)])).Message.ShouldContain("'x'");
        var endless = new Dictionary<string, object?>();
        endless["x"] = endless;
        Should.Throw<ArgumentException>(() => UsageMetadata.From(endless)).Message.ShouldContain("too deeply");
    }

    [Fact]
    public void Every_option_of_the_section_is_read()
    {
        var options = Bound(new()
        {
            ["PyResolve:ApiUrl"] = "https://billing.example", ["PyResolve:ApiKey"] = OtherKey, ["PyResolve:Home"] = "/tmp/home",
            ["PyResolve:Profile"] = "work", ["PyResolve:ApplicationName"] = "mytool", ["PyResolve:LogInHint"] = "Sign in.",
            ["PyResolve:SignUpUrl"] = "https://a.example", ["PyResolve:UpgradeUrl"] = "https://b.example", ["PyResolve:Enabled"] = "false",
            ["PyResolve:AllowInsecureHttp"] = "True", ["PyResolve:RequestTimeout"] = "00:00:07", ["PyResolve:QuotaCacheDuration"] = "0",
            ["PyResolve:ShutdownTimeout"] = "00:01:00", ["PyResolve:PrepaidLifetime"] = "1.00:00:00", ["PyResolve:OutboxCapacity"] = "7",
            ["PyResolve:OutboxBytes"] = "2048", ["PyResolve:PrepaidMigrations"] = "9", ["PyResolve:Offline"] = "deny",
        });

        (options.ApiUrl, options.ApiKey, options.Home, options.Profile).ShouldBe(
            (new("https://billing.example"), OtherKey, "/tmp/home", "work"));
        (options.ApplicationName, options.LogInHint, options.SignUpUrl, options.UpgradeUrl).ShouldBe(
            ("mytool", "Sign in.", new("https://a.example"), new("https://b.example")));
        (options.Enabled, options.AllowInsecureHttp, options.RequestTimeout, options.QuotaCacheDuration).ShouldBe(
            (false, true, TimeSpan.FromSeconds(7), TimeSpan.Zero));
        (options.ShutdownTimeout, options.PrepaidLifetime).ShouldBe((TimeSpan.FromMinutes(1), TimeSpan.FromDays(1)));
        (options.OutboxCapacity, options.OutboxBytes, options.PrepaidMigrations, options.Offline).ShouldBe(
            (7, 2048, 9, OfflinePolicy.Deny));
    }

    [Theory]
    [InlineData("OutboxCapacity", "many")]
    [InlineData("Enabled", "perhaps")]
    [InlineData("Offline", "sometimes")]
    [InlineData("ApiUrl", "http://[secret")]
    public void A_value_that_cannot_be_read_is_named_and_not_quoted(string name, string value)
    {
        var message = Should.Throw<OptionsValidationException>(() => Bound(new() { [$"PyResolve:{name}"] = value })).Message;

        message.ShouldContain($"PyResolve:{name}");
        message.ShouldNotContain(value);
    }

    public void Dispose() => _home.Dispose();

    private static PyResolveClientOptions Bound(Dictionary<string, string?> settings)
    {
        var services = new ServiceCollection();
        services.AddSingleton<IConfiguration>(new ConfigurationBuilder().AddInMemoryCollection(settings).Build());
        services.AddPyResolveClient();
        using var provider = services.BuildServiceProvider();
        return provider.GetRequiredService<IOptions<PyResolveClientOptions>>().Value;
    }
}
