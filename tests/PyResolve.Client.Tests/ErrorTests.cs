using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace PyResolve.Client.Tests;

public sealed class ErrorTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(200)]
    [InlineData(404)]
    [InlineData(502)]
    public async Task A_web_page_is_an_unexpected_answer(int status)
    {
        var exception = await FailAsync(Answer.Html(status));

        exception.Code.ShouldBe(PyResolveErrorCodes.UnexpectedAnswer);
        exception.Status.ShouldBe(status);
        exception.Message.ShouldContain($"answered {status} with text/html");
        exception.Message.ShouldContain("PYRESOLVE_API_URL");
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("null")]
    [InlineData("[1]")]
    [InlineData("{\"email\":")]
    [InlineData("{\"user_id\":\"no guid\"}")]
    public async Task JSON_of_another_shape_is_an_unexpected_answer(string body) =>
        (await FailAsync(Answer.Json(200, body))).Message.ShouldContain("answered 200 with JSON of another shape");

    [Fact]
    public async Task A_redirect_is_not_followed_because_it_would_send_the_key()
    {
        await using var elsewhere = await ScriptedServer.StartAsync();
        var redirect = Answer.Html(302) with { Headers = new Dictionary<string, string> { ["Location"] = elsewhere.Url + "me" } };

        var exception = await FailAsync(redirect);

        exception.Message.ShouldContain($"points to {elsewhere.Url}me");
        elsewhere.Requests.ShouldBeEmpty();
    }

    [Fact]
    public async Task An_unlimited_answer_is_refused() =>
        (await FailAsync(Answer.Json(200, new string(' ', 5 * 1024 * 1024)))).Message.ShouldContain("more than any PyResolve server sends");

    [Fact]
    public async Task A_server_that_closes_the_connection_while_it_is_made_is_unreachable()
    {
        // HttpClient throws it unwrapped.
        var http = new HttpClient(new Broken(new SocketException((int)SocketError.NotConnected)));
        await using var client = new PyResolveClient(new() { ApiKey = ScriptedServer.Key }, () => http, http, TimeProvider.System);

        var exception = await Should.ThrowAsync<PyResolveException>(client.GetAccountAsync(Cancellation));

        exception.Code.ShouldBe(PyResolveErrorCodes.Unreachable);
    }

    [Fact]
    public async Task A_stopped_server_is_unreachable()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var port = ((IPEndPoint)listener.LocalEndpoint).Port;
        listener.Stop();
        await using var client = PyResolveClient.Create(new() { ApiUrl = new($"http://127.0.0.1:{port}"), ApiKey = ScriptedServer.Key });

        var exception = await Should.ThrowAsync<PyResolveException>(client.GetAccountAsync(Cancellation));

        exception.Code.ShouldBe(PyResolveErrorCodes.Unreachable);
        exception.Status.ShouldBeNull();
        exception.Message.ShouldBe(
            $"Cannot reach http://127.0.0.1:{port} (connection refused). "
            + "Check the network, or PYRESOLVE_API_URL if the server is elsewhere.");
    }

    [Fact]
    public async Task A_closed_connection_is_unreachable() =>
        (await FailAsync(Answer.ConnectionClosed)).Code.ShouldBe(PyResolveErrorCodes.Unreachable);

    [Fact]
    public async Task A_host_name_that_does_not_resolve_is_unreachable()
    {
        await using var client = PyResolveClient.Create(
            new() { ApiUrl = new("https://no-such-host.invalid"), ApiKey = ScriptedServer.Key });

        (await Should.ThrowAsync<PyResolveException>(client.GetAccountAsync(Cancellation))).Code.ShouldBe(PyResolveErrorCodes.Unreachable);
    }

    [Fact]
    public async Task A_server_that_never_answers_times_out()
    {
        var watch = Stopwatch.StartNew();

        var exception = await FailAsync(Answer.Never, options => options.RequestTimeout = TimeSpan.FromMilliseconds(300));

        exception.Code.ShouldBe(PyResolveErrorCodes.Timeout);
        exception.Message.ShouldContain("did not answer within 0.3 s");
        watch.Elapsed.ShouldBeInRange(TimeSpan.FromMilliseconds(250), TimeSpan.FromSeconds(5));
    }

    [Fact]
    public async Task Cancellation_is_not_a_timeout()
    {
        await using var server = await ScriptedServer.StartAsync();
        await using var client = server.On("GET /me", Answer.Never).Client();
        using var source = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        var asking = client.GetAccountAsync(source.Token);

        await source.CancelAsync();

        await Should.ThrowAsync<OperationCanceledException>(asking);
    }

    [Fact]
    public async Task A_problem_keeps_its_code_status_and_request()
    {
        var exception = await FailAsync(Answer.Problem(401, "unauthenticated", "Invalid or revoked API key"));

        (exception.Code, exception.Status, exception.RequestId).ShouldBe(("unauthenticated", 401, "req-1"));
        exception.Message.ShouldBe("Invalid or revoked API key. Run 'pyresolve login', or set PYRESOLVE_API_KEY.");
        exception.Hint.ShouldBe("Run 'pyresolve login', or set PYRESOLVE_API_KEY.");
        exception.Problem.ShouldNotBeNull().Detail.ShouldBe("Invalid or revoked API key");
    }

    [Fact]
    public async Task The_seeds_plain_details_are_understood() =>
        (await FailAsync(Answer.Json(401, "{\"detail\":\"Invalid API key format\"}"))).Code.ShouldBe(ProblemCodes.Unauthenticated);

    [Fact]
    public async Task A_busy_server_says_when_to_try_again()
    {
        var exception = await FailAsync(Answer.Busy(retryAfterSeconds: 30));

        exception.RetryAfter.ShouldBe(TimeSpan.FromSeconds(30));
        exception.Message.ShouldBe("The server is busy. Try again in 30 s.");
    }

    [Fact]
    public async Task A_broken_rule_is_named_with_its_field()
    {
        const string body = """{"status":422,"code":"invalid","detail":"The request breaks a rule.","errors":{"name":["is too long."]}}""";

        (await FailAsync(new(422, "application/problem+json", body))).Message.ShouldBe("The request breaks a rule. name: is too long.");
    }

    [Fact]
    public async Task A_broken_rule_that_the_detail_names_already_is_named_once()
    {
        const string body = """{"status":422,"code":"invalid","detail":"name: is too long.","errors":{"name":["is too long."]}}""";

        (await FailAsync(new(422, "application/problem+json", body))).Message.ShouldBe("name: is too long.");
    }

    [Fact]
    public async Task A_key_that_a_server_echoes_is_redacted_in_the_message()
    {
        var exception = await FailAsync(Answer.Problem(400, "malformed", $"Bad\nheader {ScriptedServer.Key}!"));

        exception.ToString().ShouldNotContain(ScriptedServer.Key);
        exception.Problem!.ToString().ShouldNotContain(ScriptedServer.Key);
        exception.Message.ShouldBe("Bad header pyr_live_…!");
    }

    [Fact]
    public async Task Without_a_key_nothing_is_sent()
    {
        await using var server = await ScriptedServer.StartAsync();
        await using var client = server.Client(options => options.ApiKey = null);

        (await Should.ThrowAsync<PyResolveException>(client.GetAccountAsync(Cancellation)))
            .Code.ShouldBe(PyResolveErrorCodes.LoginRequired);

        server.Requests.ShouldBeEmpty();
    }

    private static async Task<PyResolveException> FailAsync(Answer answer, Action<PyResolveClientOptions>? configure = null)
    {
        await using var server = await ScriptedServer.StartAsync();
        await using var client = server.On("GET /me", answer).Client(configure);
        var exception = await Should.ThrowAsync<PyResolveException>(client.GetAccountAsync(Cancellation));
        exception.Message.ShouldNotContain('\n');
        exception.Message.ShouldEndWith(exception.Hint ?? "");
        return exception;
    }

    private sealed class Broken(Exception failure) : HttpMessageHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) =>
            Task.FromException<HttpResponseMessage>(failure);
    }
}
