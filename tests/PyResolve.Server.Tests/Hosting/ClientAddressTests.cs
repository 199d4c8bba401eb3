using PyResolve.Server.Hosting;

namespace PyResolve.Server.Tests.Hosting;

/// <summary>
/// The address whose limits count, where the last one in <c>X-Forwarded-For</c> is of the host and not of the client, as on Fly and Render.
/// </summary>
public sealed class ClientAddressTests(SharedServers servers)
{
    private const string Header = "Fly-Client-IP";
    private const string Own = "127.0.0.1";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("127.0.0.1", "1.2.3.4", "1.2.3.4")]
    [InlineData("127.0.0.1", "2001:db8::7", "2001:db8::/48")]
    [InlineData("10.0.0.0/8", "1.2.3.4", Own)]
    public async Task The_address_in_the_named_header_counts_only_from_a_trusted_proxy(string trusted, string client, string expected)
    {
        await using var own = await StartAsync(trusted);

        await FailToLogInAsync(own, (Header, client), ("X-Forwarded-For", "1.2.3.4, 66.241.124.1"));

        (await CountedAddressAsync(own)).ShouldBe(expected);
    }

    [Theory]
    [InlineData("1.2.3.4, 5.6.7.8")]
    [InlineData("1.2.3.4:80")]
    [InlineData("[2001:db8::7]:80")]
    [InlineData("fe80::1%eth0")]
    [InlineData("1")]
    [InlineData("nobody")]
    [InlineData("")]
    public async Task What_is_not_one_address_is_ignored(string client)
    {
        await using var own = await StartAsync(Own);

        await FailToLogInAsync(own, (Header, client), ("X-Forwarded-For", "1.2.3.4, 66.241.124.1"));

        (await CountedAddressAsync(own)).ShouldBe(Own);
    }

    [Fact]
    public async Task A_header_that_is_sent_twice_is_ignored()
    {
        await using var own = await StartAsync(Own);

        await FailToLogInAsync(own, (Header, "1.2.3.4"), (Header, "5.6.7.8"));

        (await CountedAddressAsync(own)).ShouldBe(Own);
    }

    [Theory]
    [InlineData("Fly-Client-IP", "", "PyResolve:ClientAddressHeader is set, and PyResolve:TrustedProxies is not")]
    [InlineData("Fly Client IP", "127.0.0.1", "PyResolve:ClientAddressHeader is 'Fly Client IP'; it is the name of a header")]
    public async Task A_header_that_anybody_could_send_or_none_at_all_stops_the_start(string header, string trusted, string message)
    {
        var settings = new Dictionary<string, string?>
        {
            ["PYRESOLVE_DATA"] = "/tmp", ["PyResolve__ClientAddressHeader"] = header, ["PyResolve__TrustedProxies"] = trusted,
        };

        var result = await ServerProcess.RunAsync([], settings, Cancellation);

        result.ExitCode.ShouldBe(2, result.Output + result.Error);
        result.Error.ShouldContain(message);
    }

    private Task<OwnServer> StartAsync(string trusted) => OwnServer.StartAsync(
        StorageEngine.Sqlite, servers.Postgres,
        settings: new Dictionary<string, string?>
        {
            [TrustedProxies.Setting] = trusted, [TrustedProxies.HeaderSetting] = Header,
        });

    private static async Task FailToLogInAsync(OwnServer own, params (string Name, string Value)[] headers)
    {
        var answer = await own.Server.Anonymous.SendAsync(
            HttpMethod.Post, "/auth/login", new { email = "a@example.com", password = "wrong" }, headers);
        answer.Status.ShouldBe(401, answer.Text);
    }

    private static Task<object?> CountedAddressAsync(OwnServer own) =>
        own.Store.ReadSqlAsync("select subject from attempts where kind = 'login.address'");
}
