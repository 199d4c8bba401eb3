using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using HttpProxy = PyResolve.TestKit.HttpProxy;

namespace PyResolve.Client.Tests.Network;

/// <summary>A proxy that fails is named as the one at fault, and its user name and password appear nowhere.</summary>
public sealed class ProxyFailureTests
{
    private const string User = "bob-of-accounting";
    private const string Password = "s3cret w/ord:@1";
    private static readonly Uri Server = new("https://billing.example");

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(407, "https", "asks for a user name and a password")]
    [InlineData(403, "https", "does not allow it")]
    [InlineData(502, "https", "cannot reach the server")]
    [InlineData(407, "http", "asks for a user name and a password")]
    [InlineData(403, "http", "answered 403")]
    [InlineData(502, "http", "answered 502")]
    public async Task A_proxy_that_refuses_is_blamed_and_its_password_is_not_shown(int status, string scheme, string why)
    {
        await using var proxy = HttpProxy.Start(refuses: status);
        await using var client = Client(proxy.AddressFor(User, Password), scheme);

        var failure = await Should.ThrowAsync<PyResolveException>(client.GetAccountAsync(Cancellation));

        failure.Cause.ShouldContain($"The proxy {proxy.Address.AbsoluteUri.TrimEnd('/')} ");
        failure.Cause.ShouldContain(why);
        failure.Status.ShouldBe(status);
        ShouldHaveNoSecret(failure.ToString());
    }

    [Theory]
    [InlineData("https")]
    [InlineData("http")]
    public async Task A_proxy_that_is_not_there_is_blamed_and_not_the_server(string scheme)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var port = ((IPEndPoint)listener.LocalEndpoint).Port;
        listener.Stop();
        await using var client = Client(WithSecret($"http://127.0.0.1:{port}"), scheme);

        var failure = await Should.ThrowAsync<PyResolveException>(client.GetAccountAsync(Cancellation));

        failure.Code.ShouldBe(PyResolveErrorCodes.Unreachable);
        failure.Cause.ShouldBe($"Cannot reach the proxy 127.0.0.1:{port} on the way to {scheme}://billing.example (connection refused).");
        failure.Hint.ShouldNotBeNull().ShouldContain("HTTPS_PROXY");
        ShouldHaveNoSecret(failure.ToString());
    }

    [Fact]
    public async Task A_proxy_whose_name_does_not_exist_is_blamed()
    {
        await using var client = Client(WithSecret("http://no-such-proxy.invalid:3128"), "https");

        var failure = await Should.ThrowAsync<PyResolveException>(client.GetAccountAsync(Cancellation));

        failure.Cause.ShouldContain("the proxy no-such-proxy.invalid:3128 ");
        ShouldHaveNoSecret(failure.ToString());
    }

    [Theory]
    [InlineData("https")]
    [InlineData("http")]
    public async Task A_proxy_that_never_answers_is_named(string scheme)
    {
        await using var proxy = HttpProxy.Start(isSilent: true);
        await using var client = Client(
            proxy.AddressFor(User, Password), scheme, options => options.RequestTimeout = TimeSpan.FromMilliseconds(400));

        var failure = await Should.ThrowAsync<PyResolveException>(client.GetAccountAsync(Cancellation));

        failure.Code.ShouldBe(PyResolveErrorCodes.Timeout);
        failure.Cause.ShouldContain($"through the proxy {proxy.Address.AbsoluteUri.TrimEnd('/')}");
        ShouldHaveNoSecret(failure.ToString());
    }

    [Fact]
    public async Task A_user_name_and_password_in_the_proxys_address_are_used()
    {
        await using var server = await ScriptedServer.StartAsync();
        await using var proxy = HttpProxy.Start(server.Url, credentials: $"{User}:{Password}");
        server.On("GET /quota", Answer.Quota(1));
        await using var client = Client(proxy.AddressFor(User, Password), "http");

        (await client.GetQuotaAsync(Cancellation)).MigrationsUsed.ShouldBe(1);

        server.Requests.Single().Header("Proxy-Authorization").ShouldBeNull();
    }

    [Fact]
    public async Task A_proxy_that_asks_for_a_password_is_asked_once_so_that_no_account_is_locked()
    {
        await using var proxy = HttpProxy.Start(credentials: "somebody:else");
        await using var client = Client(proxy.AddressFor(User, Password), "https");

        await Should.ThrowAsync<PyResolveException>(client.GetAccountAsync(Cancellation));

        proxy.Seen.Count(head => head.Contains("Proxy-Authorization", StringComparison.OrdinalIgnoreCase)).ShouldBeLessThanOrEqualTo(1);
    }

    [Fact]
    public async Task A_denial_and_every_line_of_the_log_are_without_the_password()
    {
        await using var proxy = HttpProxy.Start(refuses: 407);
        using var home = new TemporaryHome();
        using var log = new RecordedLog();
        var services = new ServiceCollection();
        services.AddLogging(logging => logging.SetMinimumLevel(LogLevel.Trace).AddProvider(log));
        services.AddPyResolveClient(options =>
        {
            (options.ApiUrl, options.ApiKey, options.Home) = (Server, ScriptedServer.Key, home.Path);
            options.Proxy = new WebProxy(proxy.AddressFor(User, Password));
            options.ShutdownTimeout = TimeSpan.Zero;
        }).AddDefaultLogger();
        await using (var provider = services.BuildServiceProvider())
        {
            var client = provider.GetRequiredService<PyResolveClient>();
            await using var permit = await client.Quota.AcquireAsync(new("pydantic", MigrationTier.Tier2), Cancellation);
            client.Usage.Report(new("scan"));
            ShouldHaveNoSecret((await Should.ThrowAsync<PyResolveException>(client.Usage.FlushAsync(Cancellation))).ToString());

            permit.Denial.ShouldNotBeNull().Message.ShouldContain("The proxy ");
            ShouldHaveNoSecret(permit.Denial.ToString());
        }

        log.Lines.ShouldNotBeEmpty();
        ShouldHaveNoSecret(string.Join('\n', log.Lines));
    }

    [Fact]
    public async Task The_password_of_a_proxy_that_only_your_own_HttpClient_knows_is_not_shown_either()
    {
        await using var proxy = HttpProxy.Start(refuses: 407);
        using var http = new HttpClient(new HttpClientHandler { Proxy = new WebProxy(proxy.AddressFor(User, Password)) });
        await using var client = new PyResolveClient(http, new() { ApiUrl = Server, ApiKey = ScriptedServer.Key });

        var failure = await Should.ThrowAsync<PyResolveException>(client.GetAccountAsync(Cancellation));

        failure.Cause.ShouldStartWith("The proxy made no connection to https://billing.example (407: ");
        ShouldHaveNoSecret(failure.ToString());
    }

    [Theory]
    [InlineData("see http://bob:secret@proxy:3128/ for more", "see http://…@proxy:3128/ for more")]
    [InlineData("'http://bob:my secret@proxy:3128/' failed", "'http://…@proxy:3128/' failed")]
    [InlineData("http://bob:p@ss@proxy and socks5://x@y", "http://…@proxy and socks5://…@y")]
    [InlineData("https://token@host", "https://…@host")]
    [InlineData("https://host/path?mail=a@b", "https://host/path?mail=a@b")]
    [InlineData("write to ada@example.com", "write to ada@example.com")]
    [InlineData("http://", "http://")]
    [InlineData("://@", "://@")]
    public void A_message_shows_no_user_info_of_any_URL(string text, string expected) => Redaction.Line(text).ShouldBe(expected);

    [Fact]
    public async Task An_address_to_which_a_redirect_points_is_shown_without_its_password()
    {
        await using var server = await ScriptedServer.StartAsync();
        var redirect = Answer.Html(302) with
        {
            Headers = new Dictionary<string, string> { ["Location"] = "https://bob-of-accounting:s3cret@portal.example/log-in" },
        };
        await using var client = server.On("GET /me", redirect).Client();

        var failure = await Should.ThrowAsync<PyResolveException>(client.GetAccountAsync(Cancellation));

        failure.Cause.ShouldContain("portal.example/log-in");
        ShouldHaveNoSecret(failure.ToString());
    }

    [Fact]
    public void A_servers_address_with_a_password_is_refused_and_described_without_it()
    {
        using var home = new TemporaryHome { Config = "api_url = \"https://bob-of-accounting:s3cret@billing.example\"" };

        ShouldHaveNoSecret(home.Store.FindApiUrl().ShouldNotBeNull().ToString());
        ShouldHaveNoSecret(Should.Throw<PyResolveException>(() => PyResolveClient.Create(new() { Home = home.Path })).ToString());
    }

    private static PyResolveClient Client(Uri proxy, string scheme, Action<PyResolveClientOptions>? configure = null)
    {
        var options = new PyResolveClientOptions
        {
            ApiUrl = new($"{scheme}://billing.example"),
            ApiKey = ScriptedServer.Key,
            AllowInsecureHttp = true,
            Proxy = new WebProxy(proxy),
        };
        configure?.Invoke(options);
        return PyResolveClient.Create(options);
    }

    private static Uri WithSecret(string address) =>
        new UriBuilder(address) { UserName = User, Password = Uri.EscapeDataString(Password) }.Uri;

    private static void ShouldHaveNoSecret(string text)
    {
        text.ShouldNotContain(User);
        text.ShouldNotContain("s3cret");
    }
}
