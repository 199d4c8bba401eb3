using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using PyResolve.Server.Tests.Devices;

namespace PyResolve.Server.Tests.Http;

public sealed class HeadTests(SharedServers servers)
{
    [Theory, OnBothEngines]
    public async Task Every_route_that_answers_GET_answers_HEAD_alike_and_without_a_body(StorageEngine engine)
    {
        var server = await servers.OnAsync(engine);
        var account = await servers.SignUpAsync(engine);
        var reservation = (await account.ReserveAsync()).Id();
        var routes = server.Services.GetRequiredService<EndpointDataSource>().Endpoints
            .OfType<RouteEndpoint>()
            .Where(static endpoint => endpoint.Metadata.GetMetadata<HttpMethodMetadata>()?.HttpMethods.Contains("GET") == true)
            .Select(endpoint => $"/{endpoint.RoutePattern.RawText!.TrimStart('/')}"
                .Replace("{id:guid}", reservation.ToString(), StringComparison.Ordinal)
                .Replace("{documentName}", "v1", StringComparison.Ordinal))
            .ToList();

        routes.Count.ShouldBeGreaterThan(15);
        foreach (var route in routes)
        {
            var get = await account.Session.GetAsync(route);
            var head = await account.Session.SendAsync(HttpMethod.Head, route);

            (head.Status, head.ContentType, head.Text).ShouldBe((get.Status, get.ContentType, ""), route);
            get.Status.ShouldNotBe(405, route);
        }
    }

    [Fact]
    public async Task A_route_without_GET_does_not_know_HEAD_and_Allow_lists_it_where_GET_is()
    {
        var account = await servers.SignUpAsync(StorageEngine.Sqlite);

        (await account.Key.SendAsync(HttpMethod.Head, "/usage/batch")).Status.ShouldBe(405);
        using var refused = await account.Http.PutAsync(
            new Uri("/quota", UriKind.Relative), content: null, TestContext.Current.CancellationToken);
        ((int)refused.StatusCode).ShouldBe(405);
        refused.Content.Headers.Allow.ShouldBe(["GET", "HEAD"], ignoreOrder: true);
    }

    [Theory, OnBothEngines]
    public async Task A_scanner_that_sends_HEAD_to_an_emailed_link_or_a_device_code_uses_nothing_up(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var account = await own.SignUpAsync();
        var person = await Person.SignedInAsync(own.Server, account);
        var before = await own.Store.ReadNumberAsync("select count(*) from attempts");

        foreach (var link in (string[])["/reset-password?token=x", "/verify-email?token=x", "/billing/return?customer=x"])
        {
            for (var i = 0; i < 3; i++)
                (await own.Server.Anonymous.SendAsync(HttpMethod.Head, link)).Status.ShouldBeLessThan(400, link);
        }

        for (var i = 0; i < 20; i++)
        {
            var head = await own.Server.Anonymous.SendAsync(
                HttpMethod.Head, "/device?user_code=BCDF-GHJK", body: null, [("Cookie", person.Cookie!)]);
            head.Status.ShouldBe(200);
        }

        (await own.Store.ReadNumberAsync("select count(*) from attempts")).ShouldBe(before);
    }
}
