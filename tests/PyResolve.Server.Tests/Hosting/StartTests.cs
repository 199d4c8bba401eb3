using System.Globalization;
using System.Net;
using System.Net.Sockets;
using PyResolve.Server.Hosting;
using PyResolve.Server.Plans;

namespace PyResolve.Server.Tests.Hosting;

/// <summary>A server that cannot start says why in one line, and what to set.</summary>
public sealed class StartTests(SharedServers servers, AnotherUser anotherUser) : IClassFixture<AnotherUser>
{
    [Theory]
    [InlineData("", "No store is configured. Set DATABASE_URL=")]
    [InlineData("SUPABASE_URL=https://x.supabase.co", "copy the connection string from the Supabase dashboard")]
    [InlineData("SUPABASE_URL=https://x.supabase.co PYRESOLVE_DATA=/tmp", "copy the connection string from the Supabase dashboard")]
    [InlineData("PYRESOLVE_DATA=/tmp PYRESOLVE_SIGNUP=maybe", "PYRESOLVE_SIGNUP is 'maybe'; it is open or closed.")]
    [InlineData("PYRESOLVE_DATA=/tmp PYRESOLVE_PUBLIC_URL=billing.example.com", "PYRESOLVE_PUBLIC_URL is 'billing.example.com'")]
    [InlineData(
        "PYRESOLVE_DATA=/tmp PYRESOLVE_PUBLIC_URL=ftp://billing.example.com", "PYRESOLVE_PUBLIC_URL is 'ftp://billing.example.com'")]
    [InlineData(
        "PYRESOLVE_DATA=/tmp PyResolve__Plans__free__MigrationsLimit=many",
        "PyResolve:Plans:free:MigrationsLimit is 'many'; it is a number of migrations a month, or unlimited.")]
    [InlineData("PYRESOLVE_DATA=/tmp PyResolve__Plans__gold__MigrationsLimit=1", "PyResolve:Plans has no plan without payment. Set ")]
    [InlineData("PYRESOLVE_DATA=/tmp PyResolve__SessionDays=0", "PyResolve:SessionDays is '0'; it is a number from 1 to 365.")]
    [InlineData(
        "PYRESOLVE_DATA=/tmp PyResolve__KeyPrefixes=cs_live_,pyr_sess_", "PyResolve:KeyPrefixes has 'pyr_sess_'; a prefix has 3 to 15")]
    [InlineData("PYRESOLVE_DATA=/tmp PORT=http", "PORT is 'http'; it is a number from 0 to 65535.")]
    [InlineData("PYRESOLVE_DATA=/tmp PORT=65536", "PORT is '65536'")]
    [InlineData("PYRESOLVE_DATA=/tmp ASPNETCORE_URLS=localhost:8000", "ASPNETCORE_URLS is 'localhost:8000'; it lists whole addresses")]
    [InlineData("PYRESOLVE_DATA=/tmp ASPNETCORE_URLS=http://pipe:/pyresolve", "it lists whole addresses")]
    [InlineData(
        "PYRESOLVE_DATA=/tmp ASPNETCORE_URLS=https://localhost:8443",
        "ASPNETCORE_URLS: https://localhost:8443 is not http://. A proxy in front of the server takes https.")]
    [InlineData(
        "PYRESOLVE_DATA=/tmp ASPNETCORE_URLS=https://unix:/run/x.sock", "ASPNETCORE_URLS: https://unix:/run/x.sock is not http://.")]
    [InlineData("PYRESOLVE_DATA=/tmp ASPNETCORE_HTTPS_PORTS=8443", "HTTPS_PORTS: https://*:8443 is not http://.")]
    [InlineData(
        "PYRESOLVE_DATA=/tmp Kestrel__Endpoints__Web__Url=https://*:8443", "Kestrel:Endpoints:Web:Url: https://*:8443 is not http://.")]
    [InlineData("PYRESOLVE_DATA=/tmp PYRESOLVE_METRICS_URLS=https://*:9464", "In PYRESOLVE_METRICS_URLS, an address is 'https://*:9464'")]
    [InlineData("PYRESOLVE_DATA=/tmp Logging__LogLevel__Default=Loud", "Logging:LogLevel:Default is 'Loud'; it is Trace, Debug, ")]
    [InlineData(
        "PYRESOLVE_DATA=/tmp PYRESOLVE_LEASE_KEY=hunter2!",
        "PYRESOLVE_LEASE_KEY cannot be used: it is neither PEM nor base64. Create one with: openssl genpkey")]
    [InlineData(
        "PYRESOLVE_DATA=/tmp PYRESOLVE_LEASE_KEY=hunter2x",
        "PYRESOLVE_LEASE_KEY cannot be used: it is no private key on the curve P-256 in PKCS#8.")]
    [InlineData("DATABASE_URL=mysql://ann:hunter2@db/bill", "DATABASE_URL must look like postgres://user:password@host:5432/database.")]
    [InlineData("DATABASE_URL=postgres://ann:hunter2@db/bill?sslmode=yes", "DATABASE_URL has sslmode=yes")]
    public async Task A_wrong_setting_is_named_in_one_line(string settings, string message)
    {
        var result = await StartAsync(settings);

        result.ExitCode.ShouldBe(2, result.Output + result.Error);
        ShouldBeOneLine(result, message);
    }

    [Theory]
    [InlineData("PYRESOLVE_PUBLIC_URL=https://ann:hunter2@billing.example.com")]
    [InlineData("PYRESOLVE_PUBLIC_URL=ann:hunter2@billing.example.com")]
    [InlineData("PYRESOLVE_PUBLIC_URL=ftp://ann:hunter2@billing.example.com")]
    [InlineData("PyResolve__UpgradeUrl=https://hunter2@billing.example.com")]
    [InlineData("SUPABASE_URL=https://ann:hunter2@x.supabase.co DATABASE_URL=postgres://127.0.0.1:9/x")]
    [InlineData("SUPABASE_URL=http://ann:hunter2@x.supabase.co DATABASE_URL=postgres://127.0.0.1:9/x")]
    [InlineData("STRIPE_API_BASE=http://ann:hunter2@stripe.example")]
    [InlineData("STRIPE_API_BASE=ann:hunter2@stripe.example")]
    [InlineData("PyResolve__Stripe__SuccessUrl=https://ann:hunter2@x.example STRIPE_SECRET_KEY=sk_test_x")]
    [InlineData("PyResolve__Oidc__0__Issuer=https://ann:hunter2@x.example PyResolve__Oidc__0__Audience=a")]
    [InlineData("PyResolve__Oidc__0__Issuer=http://ann:hunter2@x.example PyResolve__Oidc__0__Audience=a")]
    [InlineData(
        "PyResolve__Oidc__0__Issuer=https://x.example PyResolve__Oidc__0__Audience=a PyResolve__Oidc__0__JwksUrl=https://hunter2@x.example")]
    [InlineData("PYRESOLVE_SIGNUP=https://ann:hunter2@x.example")]
    [InlineData("PORT=tcp://ann:hunter2@x.example")]
    [InlineData("ASPNETCORE_URLS=http://ann:hunter2@x.example")]
    [InlineData("ASPNETCORE_URLS=https://hunter2@x.example:8443")]
    [InlineData("PyResolve__SessionDays=ann:hunter2@x")]
    [InlineData("PyResolve__TrustedProxies=http://ann:hunter2@x.example")]
    [InlineData("PyResolve__Smtp__Host=x PyResolve__Smtp__Tls=ann:hunter2@x")]
    [InlineData("PyResolve__Plans__free__MigrationsLimit=ann:hunter2@x")]
    [InlineData("PyResolve__RequestLog=ann:hunter2@x")]
    public async Task A_password_in_any_setting_is_not_quoted_when_the_setting_is_refused(string settings)
    {
        var result = await StartAsync($"PYRESOLVE_DATA=/tmp {settings}");

        result.ExitCode.ShouldBe(2, result.Output + result.Error);
        (result.Output + result.Error).ShouldNotContain("hunter2");
    }

    [Theory]
    [InlineData("DATABASE_URL=postgres://ann:hunter2@127.0.0.1:9/bill PyResolve__DatabaseWaitSeconds=0", "The database does not answer.")]
    [InlineData(
        "DATABASE_URL=postgres://ann:hunter2@no-such-host.invalid/bill?sslmode=require PyResolve__DatabaseWaitSeconds=0",
        "The database does not answer.")]
    [InlineData("PYRESOLVE_DATA=/dev/null", "PYRESOLVE_DATA is /dev/null, which is a file. Name a folder for the embedded database.")]
    [InlineData("PYRESOLVE_DATA=/dev/null/data", "PYRESOLVE_DATA is /dev/null/data, a folder that cannot be used: ")]
    public async Task A_store_that_cannot_be_reached_is_named_in_one_line(string settings, string message)
    {
        var result = await StartAsync(settings);

        result.ExitCode.ShouldBe(1, result.Output + result.Error);
        ShouldBeOneLine(result, message);
    }

    [Fact]
    public async Task A_start_warns_that_a_connection_to_another_machine_may_be_in_clear_text()
    {
        var result = await StartAsync("DATABASE_URL=postgres://ann:hunter2@no-such-host.invalid/bill PyResolve__DatabaseWaitSeconds=0");

        (result.Output + result.Error).ShouldContain("does not say whether the connection to no-such-host.invalid is encrypted");
        (result.Output + result.Error).ShouldNotContain("hunter2");
    }

    [Fact]
    public async Task A_port_that_is_taken_is_named_in_one_line()
    {
        await using var running = await ServerProcess.StartAsync(cancellationToken: TestContext.Current.CancellationToken);

        await using var other = await ServerProcess.StartAsync(cancellationToken: TestContext.Current.CancellationToken);
        await other.StopAsync();

        var result = await StartAsync($"PYRESOLVE_DATA={other.DataFolder} ASPNETCORE_URLS={running.Address}");

        result.ExitCode.ShouldBe(1, result.Output + result.Error);
        ShouldBeOneLine(
            result,
            $"ASPNETCORE_URLS: {running.Address} cannot be listened on: address already in use. Stop the program that listens "
            + "there, or name another port with ASPNETCORE_URLS or PORT.");
    }

    /// <summary>192.0.2.1 is nobody's: a network for documentation.</summary>
    [Theory]
    [InlineData(
        "ASPNETCORE_URLS=http://192.0.2.1:8000",
        "ASPNETCORE_URLS: http://192.0.2.1:8000 cannot be listened on: this machine has no such address. Name one that it has with "
        + "ASPNETCORE_URLS or PORT, such as http://*:8000 for all of them.")]
    [InlineData("ASPNETCORE_URLS=http://127.0.0.1:0;http://192.0.2.1:8000", "ASPNETCORE_URLS: http://192.0.2.1:8000 cannot be listened on")]
    [InlineData(
        "Kestrel__Endpoints__A__Url=http://127.0.0.1:0 Kestrel__Endpoints__B__Url=http://192.0.2.1:8000",
        "Kestrel:Endpoints:B:Url: http://192.0.2.1:8000 cannot be listened on")]
    [InlineData(
        "ASPNETCORE_URLS=http://unix:/no/such/folder/x.sock",
        "http://unix:/no/such/folder/x.sock cannot be listened on: there is no folder /no/such/folder. Make it, or name a file in another "
        + "one.")]
    [InlineData(
        "ASPNETCORE_URLS=http://127.0.0.1:0 PYRESOLVE_METRICS_URLS=http://192.0.2.1:9464",
        "PYRESOLVE_METRICS_URLS: http://192.0.2.1:9464 cannot be listened on: this machine has no such address. Name one that it has with "
        + "PYRESOLVE_METRICS_URLS")]
    [Trait("Platform", "Unix")]
    public async Task An_address_that_cannot_be_listened_on_is_named_with_what_helps(string settings, string message)
    {
        await using var store = await TestStore.CreateReadyAsync(StorageEngine.Sqlite, servers.Postgres);

        var result = await StartAsync($"PYRESOLVE_DATA={store.Settings["PYRESOLVE_DATA"]} {settings}");

        result.ExitCode.ShouldBe(1, result.Output + result.Error);
        ShouldBeOneLine(result, message);
    }

    [Fact, Trait("Platform", "Unix")]
    public async Task A_socket_that_a_server_left_behind_is_named_with_what_helps()
    {
        await using var store = await TestStore.CreateReadyAsync(StorageEngine.Sqlite, servers.Postgres);
        var folder = store.Settings["PYRESOLVE_DATA"];
        await File.WriteAllTextAsync($"{folder}/x.sock", "", TestContext.Current.CancellationToken);

        var result = await StartAsync($"PYRESOLVE_DATA={folder} ASPNETCORE_URLS=http://unix:{folder}/x.sock");

        result.ExitCode.ShouldBe(1, result.Output + result.Error);
        ShouldBeOneLine(
            result,
            $"http://unix:{folder}/x.sock cannot be listened on: the file is there already. Stop the server that listens on it, or remove "
            + "the file if none does.");
    }

    [Theory]
    [InlineData("PORT=80", "PORT: http://*:80")]
    [InlineData("ASPNETCORE_URLS=http://localhost:80", "ASPNETCORE_URLS: http://localhost:80")]
    [Trait("Platform", "Linux")]
    public async Task A_port_that_needs_a_right_is_named_with_what_helps(string settings, string address)
    {
        const string FirstPort = "/proc/sys/net/ipv4/ip_unprivileged_port_start";
        var first = int.Parse(await File.ReadAllTextAsync(FirstPort, TestContext.Current.CancellationToken), CultureInfo.InvariantCulture);
        Assert.SkipWhen(first <= 80, "Everybody may listen on every port here.");
        var folder = Directory.CreateTempSubdirectory("pyresolve-port-");
        (await Command.RunAsync("chmod", ["777", folder.FullName], cancellationToken: TestContext.Current.CancellationToken))
            .OrThrow("chmod");

        var result = await anotherUser.RunAsync(
            [], new Dictionary<string, string?>(Split($"PYRESOLVE_DATA={folder.FullName} {settings}")) { ["DATABASE_URL"] = null },
            TestContext.Current.CancellationToken);

        folder.Delete(recursive: true);
        result.ExitCode.ShouldBe(1, result.Output + result.Error);
        result.Error.Trim().ShouldBe(
            $"{address} cannot be listened on: Permission denied. Ports below 1024 need a right: name another with ASPNETCORE_URLS or "
            + "PORT, and let a proxy take 80.");
    }

    [Fact]
    public async Task A_second_server_on_the_folder_of_an_embedded_database_is_refused_while_commands_work()
    {
        await using var running = await ServerProcess.StartAsync(cancellationToken: TestContext.Current.CancellationToken);

        var result = await StartAsync($"PYRESOLVE_DATA={running.DataFolder} ASPNETCORE_URLS=http://127.0.0.1:0");
        var listed = await running.RunAsync(["accounts", "list"], TestContext.Current.CancellationToken);

        result.ExitCode.ShouldBe(1, result.Output + result.Error);
        ShouldBeOneLine(result, "Another server uses the data folder");
        listed.ExitCode.ShouldBe(0, listed.Error);
        // However a server ends, the next one starts.
        await running.KillAsync();
        await running.RestartAsync(TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task A_server_that_is_started_before_its_database_waits_for_it_and_says_so()
    {
        var cancellation = TestContext.Current.CancellationToken;
        await using var postgres = await PostgresServer.StartAsync(durable: true, cancellation);
        var url = PostgresAddress.ToUrl(await postgres.CreateDatabaseAsync(cancellationToken: cancellation));
        await postgres.KillAsync();
        using var absent = new TcpListener(IPAddress.Loopback, new Uri(url).Port);
        absent.Start();
        var starting = ServerProcess.StartAsync(new Dictionary<string, string?> { ["DATABASE_URL"] = url }, cancellation);
        (await absent.AcceptTcpClientAsync(cancellation)).Dispose();

        starting.IsCompleted.ShouldBeFalse();
        absent.Stop();
        await postgres.RestartAsync(cancellation);
        await using var server = await starting;

        server.Log.ShouldContain("Waiting for the database, for up to 30 s");
        (await TestAccount.SignUpAsync(server.Http)).ApiKey.ShouldNotBeEmpty();
    }

    [Fact]
    public async Task A_wrong_database_or_user_is_named_at_once()
    {
        var cancellation = TestContext.Current.CancellationToken;
        await using var postgres = await PostgresServer.StartAsync(durable: true, cancellation);

        var result = await StartAsync($"DATABASE_URL=postgres://postgres@127.0.0.1:{postgres.Port}/nothing");

        result.ExitCode.ShouldBe(1, result.Output + result.Error);
        ShouldBeOneLine(result, "There is no database of the name in DATABASE_URL.");
    }

    private static Task<CommandResult> StartAsync(string settings) =>
        ServerProcess.RunAsync([], Split(settings), TestContext.Current.CancellationToken);

    private static Dictionary<string, string?> Split(string settings) => settings
        .Split(' ', StringSplitOptions.RemoveEmptyEntries)
        .Select(setting => setting.Split('=', 2))
        .ToDictionary(pair => pair[0], string? (pair) => pair[1]);

    private static void ShouldBeOneLine(CommandResult result, string message)
    {
        result.Output.ShouldBeEmpty();
        result.Error.TrimEnd().Split('\n').Length.ShouldBe(1, result.Error);
        result.Error.ShouldContain(message);
        result.Error.Trim().ShouldNotBeEmpty();
        result.Error.ShouldNotContain("   at ");
        result.Error.ShouldNotContain("Exception");
        result.Error.ShouldNotContain("hunter2");
    }
}
