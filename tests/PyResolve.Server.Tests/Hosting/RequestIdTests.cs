namespace PyResolve.Server.Tests.Hosting;

/// <summary>The id of a request, from the edge to the answer.</summary>
public sealed class RequestIdTests(SharedServers servers)
{
    private static readonly Dictionary<string, string?> BehindProxy = new() { ["PyResolve:TrustedProxies"] = "127.0.0.0/8" };

    [Theory]
    [InlineData("4bf92f3577b34da6a3ce929d0e0e4736")]
    [InlineData("edge-1_a.b")]
    public async Task An_id_from_a_trusted_proxy_is_kept(string id)
    {
        await using var own = await OwnServer.StartAsync(StorageEngine.Sqlite, servers.Postgres, settings: BehindProxy);

        var answer = await AskAsync(own, ("X-Request-Id", id), ("X-Forwarded-For", "203.0.113.9"));

        answer["request_id"].GetString().ShouldBe(id);
        answer.Headers.GetValues("X-Request-Id").ShouldBe([id]);
    }

    [Theory]
    [InlineData("two words")]
    [InlineData("x\"}")]
    [InlineData("%0d%0aevil")]
    [InlineData("")]
    public async Task An_id_of_another_form_is_replaced(string id)
    {
        await using var own = await OwnServer.StartAsync(StorageEngine.Sqlite, servers.Postgres, settings: BehindProxy);

        (await AskAsync(own, ("X-Request-Id", id)))["request_id"].GetString().ShouldNotBe(id);
        (await AskAsync(own, ("X-Request-Id", new string('a', 129))))["request_id"].GetString()!.Length.ShouldBeLessThan(129);
        (await AskAsync(own, ("X-Request-Id", "one"), ("X-Request-Id", "two")))["request_id"].GetString().ShouldNotBeOneOf("one", "two");
    }

    [Fact]
    public async Task Without_a_trusted_proxy_it_is_always_the_servers_own()
    {
        await using var own = await OwnServer.StartAsync(StorageEngine.Sqlite, servers.Postgres);
        await using var other = await OwnServer.StartAsync(
            StorageEngine.Sqlite, servers.Postgres,
            settings: new Dictionary<string, string?> { ["PyResolve:TrustedProxies"] = "192.0.2.1" });

        (await AskAsync(own, ("X-Request-Id", "forged")))["request_id"].GetString().ShouldNotBe("forged");
        (await AskAsync(other, ("X-Request-Id", "forged")))["request_id"].GetString().ShouldNotBe("forged");
    }

    /// <summary>A request that is refused.</summary>
    private static async Task<Answer> AskAsync(OwnServer own, params (string Name, string Value)[] headers)
    {
        var answer = await own.Server.Anonymous.SendAsync(HttpMethod.Get, "/quota", body: null, headers);
        answer.Status.ShouldBe(401, answer.Text);
        return answer;
    }
}
