using System.Net.Sockets;
using System.Text;
using PyResolve.Server.Tests.Devices;

namespace PyResolve.Server.Tests.Http;

public sealed class CommonHeaderTests(SharedServers servers)
{
    [Theory]
    [InlineData("https://billing.example.com", "max-age=31536000")]
    [InlineData("http://billing.example.com", null)]
    [InlineData(null, null)]
    public async Task Every_answer_forbids_guessing_its_type_and_under_https_asks_for_https_only(string? publicUrl, string? strict)
    {
        await using var own = await OwnServer.StartAsync(
            StorageEngine.Sqlite, servers.Postgres, settings: new Dictionary<string, string?> { ["PYRESOLVE_PUBLIC_URL"] = publicUrl });
        var account = await own.SignUpAsync();
        Answer[] answers =
        [
            await own.Server.Anonymous.GetAsync("/"),
            await own.Server.Anonymous.GetAsync("/device"),
            await own.Server.Anonymous.GetAsync("/assets/icon.svg"),
            await own.Server.Anonymous.GetAsync("/openapi/v1.json"),
            await own.Server.Anonymous.GetAsync("/no-such-path"),
            await own.Server.Anonymous.GetAsync("/me"),
            await account.Key.GetAsync("/usage/export.csv"),
            await account.Key.PostAsync("/usage", "{"),
            await account.Key.SendAsync(HttpMethod.Put, "/quota"),
        ];

        foreach (var answer in answers)
        {
            answer.Headers.GetValues("X-Content-Type-Options").ShouldBe(["nosniff"], answer.Text);
            var sent = answer.Headers.TryGetValues("Strict-Transport-Security", out var values) ? values.Single() : null;
            sent.ShouldBe(strict, answer.Text);
        }
    }

    [Fact]
    public async Task An_answer_with_a_secret_in_it_may_not_be_stored()
    {
        var server = await servers.OnAsync(StorageEngine.Sqlite);
        var account = await servers.SignUpAsync(StorageEngine.Sqlite);
        Answer[] secrets =
        [
            await server.Anonymous.PostAsync("/auth/signup", new { email = "no-store@example.com", password = TestAccount.Password }),
            await server.Anonymous.PostAsync("/auth/login", new { email = account.Email, password = TestAccount.Password }),
            await account.Session.PostAsync("/auth/api-keys"),
            await server.Anonymous.PostAsync("/auth/device/code"),
            await server.Anonymous.PostAsync("/auth/login", new { email = account.Email, password = "wrong password" }),
        ];

        foreach (var answer in secrets)
            answer.Headers.CacheControl!.NoStore.ShouldBeTrue(answer.Text);
    }

    [Theory]
    [InlineData("GET /a%00b HTTP/1.1\r\nHost: x\r\n\r\n", 400)]
    [InlineData("GET / HTTP/1.1\r\n\r\n", 400)]
    [InlineData("GET / HTTP/1.1\r\nHost: x\r\nBad Header: y\r\n\r\n", 400)]
    [InlineData("GE\u007fT / HTTP/1.1\r\nHost: x\r\n\r\n", 400)]
    [InlineData("GET / HTTP/1.1\r\nHost: x\r\nX: {40000}\r\n\r\n", 431)]
    [InlineData("GET /{10000} HTTP/1.1\r\nHost: x\r\n\r\n", 414)]
    public async Task A_request_that_Kestrel_refuses_itself_is_answered_with_a_problem_too(string request, int status)
    {
        var server = await servers.OnAsync(StorageEngine.Sqlite);
        foreach (var size in (int[])[10_000, 40_000])
            request = request.Replace($"{{{size}}}", new string('x', size), StringComparison.Ordinal);
        using var client = new TcpClient();
        await client.ConnectAsync(server.Address.Host, server.Address.Port, TestContext.Current.CancellationToken);
        var stream = client.GetStream();
        await stream.WriteAsync(Encoding.Latin1.GetBytes(request), TestContext.Current.CancellationToken);

        using var reader = new StreamReader(stream);
        var answer = await reader.ReadToEndAsync(TestContext.Current.CancellationToken);

        answer.ShouldStartWith($"HTTP/1.1 {status} ");
        answer.ShouldContain("Content-Type: application/problem+json");
        answer.ShouldContain($"\"status\":{status}");
        answer.ShouldContain("\"code\":\"malformed\"");
        answer.ShouldContain("\"request_id\":\"");
    }
}
