using System.Net.Sockets;
using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using PyResolve.Server.Tests.Billing;

namespace PyResolve.Server.Tests.Hosting;

/// <summary>What an operator finds in the log of a server in Production.</summary>
public sealed partial class LogTests(SharedServers servers)
{
    [Fact]
    public async Task Each_line_has_its_time_and_a_request_is_a_line_without_its_query_where_that_is_switched_on()
    {
        await using var server = await StartAsync(new() { ["PyResolve__RequestLog"] = "true" });
        using var response = await server.Http.GetAsync(
            new Uri("/reset-password?token=hunter2", UriKind.Relative), TestContext.Current.CancellationToken);
        using var head = new HttpRequestMessage(HttpMethod.Head, new Uri("/no%0Asuch", UriKind.Relative));
        using var refused = await server.Http.SendAsync(head, TestContext.Current.CancellationToken);

        await Eventually.IsTrueAsync(
            () => server.Log.Contains("GET /reset-password 200", StringComparison.Ordinal)
                && server.Log.Contains("HEAD /no%0Asuch 404", StringComparison.Ordinal),
            cancellationToken: TestContext.Current.CancellationToken);

        server.Log.ShouldNotContain("hunter2");
        var lines = server.Log.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        lines.ShouldAllBe(line => Timestamp().IsMatch(line));
        lines.Single(line => line.Contains("/reset-password", StringComparison.Ordinal)).ShouldContain(" ms from 127.0.0.1 (request ");
    }

    [Fact]
    public async Task Requests_are_not_logged_unless_that_is_switched_on()
    {
        await using var server = await StartAsync([]);
        using var response = await server.Http.GetAsync(new Uri("/plans", UriKind.Relative), TestContext.Current.CancellationToken);
        // A later line, so that an earlier one would be there.
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri("/me", UriKind.Relative));
        request.Headers.Add("X-API-Key", $"pyr_live_{new string('0', 48)}");
        using var refused = await server.Http.SendAsync(request, TestContext.Current.CancellationToken);
        await Eventually.IsTrueAsync(
            () => server.Log.Contains("credential_refused", StringComparison.Ordinal),
            cancellationToken: TestContext.Current.CancellationToken);

        server.Log.ShouldNotContain("/plans");
    }

    [Fact]
    public async Task With_the_format_json_each_line_is_an_object_with_its_time_and_the_id_of_the_request()
    {
        await using var server = await StartAsync(new() { ["PyResolve__LogFormat"] = "json", ["PyResolve__RequestLog"] = "true" });
        using var response = await server.Http.GetAsync(new Uri("/no-such", UriKind.Relative), TestContext.Current.CancellationToken);
        await Eventually.IsTrueAsync(
            () => server.Log.Contains("GET /no-such 404", StringComparison.Ordinal),
            cancellationToken: TestContext.Current.CancellationToken);

        var lines = server.Log.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
            .Select(static line => JsonDocument.Parse(line).RootElement).ToList();

        lines.ShouldAllBe(static line => line.GetProperty("Timestamp").GetString()!.EndsWith('Z'));
        var request = lines.Single(
            static line => line.GetProperty("Message").GetString()!.Contains("GET /no-such 404", StringComparison.Ordinal));
        request.GetProperty("State").GetProperty("RequestId").GetString()
            .ShouldBe(response.Headers.GetValues("X-Request-Id").Single());
    }

    [Fact]
    public async Task A_format_of_the_log_that_is_none_is_refused_with_those_there_are()
    {
        await using var store = await TestStore.CreateAsync(StorageEngine.Sqlite, servers.Postgres);
        var refused = await ServerProcess.RunAsync(
            [],
            new Dictionary<string, string?>(store.Settings) { ["PyResolve__LogFormat"] = "xml" },
            TestContext.Current.CancellationToken);

        refused.ExitCode.ShouldBe(2);
        refused.Error.Trim().ShouldBe("PyResolve:LogFormat is 'xml'; it is text or json.");
    }

    [Fact]
    public async Task Settings_that_are_known_and_those_of_others_are_not_called_misspelt()
    {
        await using var server = await StartAsync(new()
        {
            ["PyResolve__Plans__free__MigrationsLimit"] = "10",
            ["PyResolve__CorsOrigins__0"] = "https://x.example",
            ["PYRESOLVE_API_KEY"] = "pyr_live_x",
            ["PYRESOLVE_PUBLIC_URL"] = "https://x.example",
            ["STRIPE_PUBLISHABLE_KEY"] = "pk_test_x",
            ["PyResolve__SesionDays"] = "7",
        });

        server.Log.Split('\n').Single(line => line.Contains("is not known", StringComparison.Ordinal))
            .ShouldContain("The setting PyResolve:SesionDays is not known, and has no effect. Did you mean PyResolve:SessionDays?");
    }

    [Theory]
    [InlineData("PyResolve:MigrationLimit", "PyResolve:Plans:<plan>:MigrationsLimit?")]
    [InlineData("PyResolve:Plans:free:MigrationLimit", "PyResolve:Plans:<plan>:MigrationsLimit?")]
    [InlineData("PyResolve:Usage:RetentionMonth", "PyResolve:Usage:RetentionMonths?")]
    [InlineData("PyResolve:RetentionMonths", "PyResolve:Usage:RetentionMonths?")]
    [InlineData("PYRESOLVE_SINGUP", "PYRESOLVE_SIGNUP?")]
    [InlineData("PYRESOLVE_PUBLICURL", "PYRESOLVE_PUBLIC_URL?")]
    [InlineData("STRIPE_WEBHOK_SECRET", "STRIPE_WEBHOOK_SECRET?")]
    [InlineData("DATABSE_URL", "DATABASE_URL?")]
    public async Task A_misspelt_setting_is_named_at_start_with_the_known_one_and_without_its_value(string name, string nearest)
    {
        using var log = new LogRecorder();
        await using var own = await StartAsync(log, new() { [name] = "hunter2" });

        log.Lines.Single(line => line.Contains($"The setting {name} is not known", StringComparison.Ordinal))
            .ShouldContain($"Did you mean {nearest}");
        log.Lines.ShouldAllBe(line => !line.Contains("hunter2", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("http://127.0.0.1:0", null, false)]
    [InlineData("http://*:0", null, true)]
    [InlineData("http://[::]:0", null, true)]
    [InlineData("http://0.0.0.0:0", null, true)]
    [InlineData("http://0.0.0.0:0", "https://billing.example.com", false)]
    public async Task A_server_for_other_machines_without_a_public_URL_warns_what_its_links_will_say(
        string listensOn, string? publicUrl, bool warns)
    {
        using var log = new LogRecorder();
        await using var own = await StartAsync(
            log, new() { ["urls"] = listensOn, ["PYRESOLVE_PUBLIC_URL"] = publicUrl, ["environment"] = "Production" });

        var lines = log.Lines.Where(line => line.Contains("PYRESOLVE_PUBLIC_URL is not set", StringComparison.Ordinal)).ToList();

        lines.Count.ShouldBe(warns ? 1 : 0);
        if (warns)
            lines[0].ShouldContain($"will say http://localhost:{own.Server.Address.Port}. Set PYRESOLVE_PUBLIC_URL");
    }

    [Theory]
    [InlineData(null, 429)]
    [InlineData("127.0.0.1", 401)]
    public async Task On_a_unix_socket_clients_share_their_limits_and_a_start_warns_until_the_proxy_is_trusted(
        string? proxies, int statusOfAnother)
    {
        using var log = new LogRecorder();
        await using var store = await TestStore.CreateAsync(StorageEngine.Sqlite, servers.Postgres);
        var socket = Path.Combine(Path.GetTempPath(), $"{Guid.CreateVersion7(TimeProvider.System.GetUtcNow()):n}.sock");
        var builder = ServerApp.CreateBuilder([]);
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>(store.Settings)
        {
            ["urls"] = $"http://unix:{socket}", ["PyResolve:TrustedProxies"] = proxies, ["PyResolve:LogInFailuresPerAddress"] = "1",
            ["Logging:LogLevel:PyResolve.Server.Hosting"] = "Warning",
        });
        await using var app = ServerApp.Build(builder, built => built.Services.AddSingleton<ILoggerProvider>(log));
        await app.StartAsync(TestContext.Current.CancellationToken);

        (await LogInAsync(socket, "192.0.2.1")).ShouldBe(401);
        (await LogInAsync(socket, "192.0.2.1")).ShouldBe(429);
        (await LogInAsync(socket, "192.0.2.2")).ShouldBe(statusOfAnother);

        log.Lines.Count(line => line.Contains("whose clients have no network address", StringComparison.Ordinal))
            .ShouldBe(proxies is null ? 1 : 0);
    }

    private static async Task<int> LogInAsync(string socket, string forwardedFor)
    {
        using var http = new HttpClient(new SocketsHttpHandler
        {
            ConnectCallback = async (_, cancellationToken) =>
            {
                var connection = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                await connection.ConnectAsync(new UnixDomainSocketEndPoint(socket), cancellationToken);
                return new NetworkStream(connection, ownsSocket: true);
            },
        })
        {
            BaseAddress = new Uri("http://localhost"),
        };
        var answer = await new Caller(http, "X-Forwarded-For", forwardedFor).PostAsync(
            "/auth/login", new { email = "nobody@example.com", password = TestAccount.Password });
        return answer.Status;
    }

    private Task<OwnServer> StartAsync(LogRecorder log, Dictionary<string, string?> settings)
    {
        settings["Logging:LogLevel:PyResolve.Server.Hosting"] = "Warning";
        return OwnServer.StartAsync(
            StorageEngine.Sqlite,
            servers.Postgres,
            settings: settings,
            replace: services => services.AddSingleton<ILoggerProvider>(log));
    }

    private static Task<ServerProcess> StartAsync(Dictionary<string, string?> settings) =>
        ServerProcess.StartAsync(settings, TestContext.Current.CancellationToken);

    [GeneratedRegex(
        @"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (info|warn|fail): ", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Timestamp();
}
