namespace PyResolve.Client.Tests;

public sealed class DeviceLogInTests
{
    private const string Token = "POST /auth/device/token";
    private static readonly Answer Pending = Answer.Problem(400, "authorization_pending", "Not yet.");
    private static readonly Answer TooSoon = Answer.Problem(400, "slow_down", "Slower.");
    private static readonly Answer Approved = Answer.Json(200, $$"""
        {"api_key":"{{ScriptedServer.Key}}",
         "user":{"id":"00000000-0000-0000-0000-000000000001","email":"ada@example.com","name":"ada","plan":"free"} }
        """);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_device_polls_at_the_servers_interval_and_gets_its_key()
    {
        await using var server = await ScriptedServer.StartAsync();
        var clock = new SkippingClock();
        await using var client = Client(server.On(Token, Pending, TooSoon, Pending, Approved), clock);

        var login = await client.StartDeviceLogInAsync("my-tool", Cancellation);
        var redeemed = await client.WaitForDeviceLogInAsync(login, Cancellation);

        redeemed.ApiKey.ShouldBe(ScriptedServer.Key);
        clock.Pauses.Select(pause => pause.TotalSeconds).ShouldBe([5, 5, 10, 10]);
        server.Requests[0].Body.ShouldBe("""{"client_id":"my-tool"}""");
        server.Requests.Skip(1)
            .ShouldAllBe(request => request.Body == """{"device_code":"secret"}""" && request.Header("X-API-Key") == null);
    }

    [Fact]
    public async Task A_server_out_of_reach_is_polled_less_and_less_often()
    {
        await using var server = await ScriptedServer.StartAsync();
        var clock = new SkippingClock();
        await using var client = Client(server.On(Token, Answer.ConnectionClosed, Answer.Html(502), Answer.Busy(1), Approved), clock);

        var login = await client.StartDeviceLogInAsync(cancellationToken: Cancellation);
        await client.WaitForDeviceLogInAsync(login, Cancellation);

        clock.Pauses.Select(pause => pause.TotalSeconds).ShouldBe([5, 10, 20, 40]);
    }

    [Theory]
    [InlineData("access_denied")]
    [InlineData("expired_token")]
    [InlineData("invalid_grant")]
    public async Task A_failed_login_says_why(string code)
    {
        await using var server = await ScriptedServer.StartAsync();
        await using var client = Client(server.On(Token, Pending, Answer.Problem(400, code, "No.")), new SkippingClock());
        var login = await client.StartDeviceLogInAsync(cancellationToken: Cancellation);

        (await Should.ThrowAsync<PyResolveException>(client.WaitForDeviceLogInAsync(login, Cancellation))).Code.ShouldBe(code);
    }

    [Fact]
    public async Task Polling_a_server_out_of_reach_ends_when_the_code_has_expired()
    {
        await using var server = await ScriptedServer.StartAsync();
        var clock = new SkippingClock();
        await using var client = Client(server.On(Token, Answer.ConnectionClosed), clock);
        var login = await client.StartDeviceLogInAsync(cancellationToken: Cancellation);

        (await Should.ThrowAsync<PyResolveException>(client.WaitForDeviceLogInAsync(login, Cancellation)))
            .Code.ShouldBe(PyResolveErrorCodes.Unreachable);

        clock.Pauses.Select(pause => pause.TotalSeconds).ShouldBe([5, 10, 20, 40, 80]);
    }

    [Fact]
    public async Task A_redemption_is_sent_once_because_its_answer_has_the_only_key()
    {
        await using var server = await ScriptedServer.StartAsync();
        await using var client = server.On(Token, Answer.ConnectionClosed).Client();

        await Should.ThrowAsync<PyResolveException>(client.RedeemDeviceCodeAsync("secret", Cancellation));

        server.Requests.Count.ShouldBe(1);
    }

    private static PyResolveClient Client(ScriptedServer server, SkippingClock clock)
    {
        server.On("POST /auth/device/code", Answer.Json(200, """
            {"device_code":"secret","user_code":"BCDF-GHJK","verification_uri":"https://pyresolve.dev/device",
             "verification_uri_complete":"https://pyresolve.dev/device?user_code=BCDF-GHJK","expires_in":150,"interval":5}
            """));
        return server.SkippingClient(clock);
    }
}
