using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using PyResolve.Server.Http;
using PyResolve.Server.Operators;
using PyResolve.Server.Tests.Devices;
using PyResolve.Server.Tests.Operators;

namespace PyResolve.Server.Tests.Site;

public sealed class SitePageTests(SharedServers servers)
{
    private const string BrowsersAccept = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8";

    [Theory]
    [InlineData(null)]
    [InlineData("*/*")]
    [InlineData("application/json")]
    [InlineData("application/json, text/html")]
    [InlineData("text/html;q=0.5, application/json")]
    [InlineData("text/html;q=0")]
    [InlineData("text/*")]
    [InlineData("not a media type")]
    public async Task Programs_get_the_same_JSON_as_ever(string? accept)
    {
        var server = await servers.OnAsync(StorageEngine.Sqlite);

        var root = await GetAsync(server, "/", accept);
        var plans = await GetAsync(server, "/plans", accept);

        (root.Status, root.ContentType, root["service"].GetString()).ShouldBe((200, "application/json", "PyResolve API"));
        root.Body.EnumerateObject().Select(static member => member.Name).ShouldBe(["service", "version"]);
        (plans.Status, plans.ContentType, plans["data"].GetArrayLength()).ShouldBe((200, "application/json", 4));
        (root.Headers.Vary, plans.Headers.Vary).ShouldSatisfyAllConditions(
            vary => vary.Item1.ShouldContain("Accept"), vary => vary.Item2.ShouldContain("Accept"));
    }

    [Theory]
    [InlineData(BrowsersAccept)]
    [InlineData("text/html")]
    [InlineData("text/html, application/json;q=0.9")]
    public async Task Browsers_get_a_page_and_are_sent_from_the_plans_to_the_prices(string accept)
    {
        var server = await servers.OnAsync(StorageEngine.Sqlite);

        var root = await GetAsync(server, "/", accept);
        var plans = await GetAsync(server, "/plans", accept);

        (root.Status, root.ContentType).ShouldBe((200, "text/html"));
        root.Headers.Vary.ShouldContain("Accept");
        (plans.Status, plans.Headers.Location!.OriginalString).ShouldBe((303, "pricing"));
    }

    [Theory, OnBothEngines]
    public async Task The_prices_page_has_every_plan_and_marks_the_persons_own(StorageEngine engine)
    {
        var server = await servers.OnAsync(engine);
        var person = await Person.SignedInAsync(server, await servers.SignUpAsync(engine));

        var anyones = await new Person(server).GetAsync("/pricing");
        var own = await person.GetAsync("/pricing");

        string[] expected = ["Free", "5 migrations a month", "Pro", "$19", "50 migrations a month", "Unlimited", "$49", "Enterprise"];
        foreach (var text in expected)
            anyones.Text.ShouldContain(text);
        anyones.Text.ShouldNotContain("Your plan");
        own.Text.Split("Your plan").Length.ShouldBe(2);
    }

    [Theory, OnBothEngines]
    public async Task The_overview_shows_what_is_used_held_and_left(StorageEngine engine)
    {
        var server = await servers.OnAsync(engine);
        var account = await servers.SignUpAsync(engine);
        await account.ReserveAsync(2);
        await account.Key.PostAsync("/usage", new { event_type = "migration", tier = "tier1" });
        var person = await Person.SignedInAsync(server, account);

        var overview = await person.GetAsync("/app");

        overview.Status.ShouldBe(200);
        overview.Text.ShouldContain("<strong>1 of 5</strong> migrations used, 2 held");
        overview.Text.ShouldContain("1 used, 2 held, 2 left");
        overview.Text.ShouldNotContain("Nothing has been recorded yet");
    }

    [Theory, OnBothEngines]
    public async Task Every_page_of_an_account_sends_who_has_not_signed_in_to_do_so_and_brings_them_back(StorageEngine engine)
    {
        var server = await servers.OnAsync(engine);
        var account = await servers.SignUpAsync(engine);
        var pages = Pages(server, "GET").Where(static path => path.StartsWith("/app", StringComparison.Ordinal)).ToList();

        pages.Count.ShouldBe(15);
        foreach (var page in pages)
        {
            var asked = await new Person(server).GetAsync(page);
            var location = new Uri(new Uri(server.Address, page), asked.Headers.Location!);
            var signedIn = await new Person(server).SendFormAsync(
                "/sign-in", new() { ["email"] = account.Email, ["password"] = TestAccount.Password, ["next"] = page.TrimStart('/') });

            (asked.Status, location.PathAndQuery).ShouldBe((303, $"/sign-in?next={Uri.EscapeDataString(page.TrimStart('/'))}"));
            new Uri(new Uri(server.Address, "/sign-in"), signedIn.Headers.Location!).AbsolutePath.ShouldBe(page);
        }
    }

    [Theory, OnBothEngines]
    public async Task Every_form_from_another_site_is_refused_with_a_page(StorageEngine engine)
    {
        var server = await servers.OnAsync(engine);
        var account = await servers.SignUpAsync(engine);
        await server.AddOperatorAsync(account, OperatorRole.Admin);
        var person = await Person.SignedInAsync(server, account);
        var forms = Pages(server, "POST").ToList();

        forms.ShouldContain("/app/keys");
        forms.Count.ShouldBeGreaterThan(9);
        foreach (var path in forms)
        {
            foreach (var origin in (string[])["https://evil.example", "null", ""])
            {
                using var form = new FormUrlEncodedContent([new("once", Guid.CreateVersion7().ToString())]);
                var answer = await server.Anonymous.SendAsync(
                    HttpMethod.Post, path, form, [("Cookie", person.Cookie!), ("Origin", origin)]);
                (answer.Status, answer.ContentType).ShouldBe((403, "text/html"), $"{path} from '{origin}'");
            }
        }

        (await person.GetAsync("/app")).Status.ShouldBe(200);
    }

    [Theory, OnBothEngines]
    public async Task Every_page_allows_only_what_comes_from_this_server_and_is_not_stored(StorageEngine engine)
    {
        var server = await servers.OnAsync(engine);
        var account = await servers.SignUpAsync(engine);
        await server.AddOperatorAsync(account, OperatorRole.Admin);
        var person = await Person.SignedInAsync(server, account);

        string[] paths =
        [
            "/pricing", "/app", "/app/usage", "/app/usage/events", "/app/keys", "/app/settings", "/app/settings/second-factor",
            "/app/settings/delete", "/app/audit", "/device", "/reset-password", "/verify-email", "/change-email", "/app/plan",
            "/app/alerts", "/app/invoices",
            "/operator/accounts", $"/operator/accounts/{account.UserId}", $"/operator/accounts/{account.UserId}/usage", "/operator/confirm",
            "/operator/audit", "/operator/jobs", "/operator/settings", "/operator/diagnostics", "/operator/costs",
        ];
        foreach (var path in paths)
        {
            var page = await person.GetAsync(path);

            page.Status.ShouldBe(200, path);
            page.Headers.GetValues("Content-Security-Policy").Single().ShouldBe(
                "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; "
                + "frame-ancestors 'none'");
            page.Headers.CacheControl!.NoStore.ShouldBeTrue(path);
            page.Text.ShouldNotContain(" style=");
            page.Text.ShouldNotContain("<script>");
        }
    }

    [Fact]
    public async Task A_refusal_leads_to_the_prices_unless_another_address_is_configured()
    {
        await using var own = await StartAsync("PYRESOLVE_PUBLIC_URL", "https://pay.example/at/");
        await using var other = await StartAsync("PyResolve:UpgradeUrl", "https://a.example/buy");

        (await RefusedAsync(own))["upgrade_url"].GetString().ShouldBe("https://pay.example/at/pricing");
        (await RefusedAsync(other))["upgrade_url"].GetString().ShouldBe("https://a.example/buy");
    }

    private Task<OwnServer> StartAsync(string setting, string value) => OwnServer.StartAsync(
        StorageEngine.Sqlite, servers.Postgres, settings: new Dictionary<string, string?> { [setting] = value });

    private static async Task<Answer> RefusedAsync(OwnServer own)
    {
        var refused = await (await own.SignUpAsync()).ReserveAsync(6);
        refused.Status.ShouldBe(402, refused.Text);
        return refused;
    }

    private static Task<Answer> GetAsync(TestServer server, string path, string? accept) =>
        server.Anonymous.SendAsync(HttpMethod.Get, path, body: null, accept is null ? [] : [("Accept", accept)]);

    private static IEnumerable<string> Pages(TestServer server, string method) =>
        from endpoint in server.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
        where endpoint.Metadata.GetMetadata<ProblemView>() is not null
            && endpoint.Metadata.GetMetadata<HttpMethodMetadata>()!.HttpMethods.Contains(method)
        select endpoint.RoutePattern.RawText!.Replace("{id:guid}", "019ab3c2-7d1e-7c4a-9f0b-3f1d5a6e8b90", StringComparison.Ordinal);
}
