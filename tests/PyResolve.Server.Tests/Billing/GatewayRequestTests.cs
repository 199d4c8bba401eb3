using System.Text.Json;
using PyResolve.Server.Billing.Gateway;
using PyResolve.Server.Billing.Settings;
using PyResolve.StripeSimulator;

namespace PyResolve.Server.Tests.Billing;

/// <summary>Requests have the form that Stripe requires.</summary>
public sealed class GatewayRequestTests(ITestOutputHelper output)
{
    private const string Customer = """{"id":"cus_1","livemode":false}""";

    private static readonly Guid User = Guid.Parse("019ab3c2-7d1e-7c4a-9f0b-3f1d5a6e8b90");

    [Fact]
    public async Task Every_request_fits_the_table_of_parameters()
    {
        await using var edge = await StripeEdge.StartAsync();

        await GatewayCalls.MakeEveryCallAsync(edge, edge.Gateway);

        edge.Requests.SelectMany(StripeParameters.Faults).ShouldBeEmpty();
    }

    [Fact]
    public async Task Every_request_is_of_a_route_that_the_simulator_has()
    {
        var settings = new Dictionary<string, string?> { ["PyResolve:Stripe:DisputeEndsPlan"] = "true" };
        await using var edge = await StripeEdge.StartAsync(settings: settings);
        await using var simulator = await StripeSimulatorHost.StartAsync(
            new StripeSimulatorOptions(), TestContext.Current.CancellationToken);
        using var http = new HttpClient { BaseAddress = simulator.Address };
        http.DefaultRequestHeaders.Authorization = new("Bearer", simulator.SecretKey);
        var calls = GatewayCalls.Record(edge.Gateway);
        await GatewayCalls.MakeEveryCallAsync(edge, calls.Gateway);

        calls.Made.ShouldBe(GatewayCalls.All, ignoreOrder: true);
        foreach (var (method, path) in edge.Requests.Select(static request => (request.Method, request.Path)).Distinct())
        {
            using var request = new HttpRequestMessage(new HttpMethod(method), path);
            using var answer = await http.SendAsync(request, TestContext.Current.CancellationToken);
            (await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken))
                .ShouldNotContain("The simulator does not have this call", customMessage: $"{method} {path}");
        }
    }

    [Fact]
    public async Task Every_request_fits_Stripes_OpenAPI_file()
    {
        if (Environment.GetEnvironmentVariable("STRIPE_OPENAPI") is not { Length: > 0 } file)
        {
            output.WriteLine("STRIPE_OPENAPI names no file: the requests are checked against the table of parameters alone.");
            await Every_request_fits_the_table_of_parameters();
            return;
        }

        using var openApi = JsonDocument.Parse(await File.ReadAllBytesAsync(file, TestContext.Current.CancellationToken));
        await using var edge = await StripeEdge.StartAsync();

        await GatewayCalls.MakeEveryCallAsync(edge, edge.Gateway);

        edge.Requests.SelectMany(request => StripeParameters.Faults(request, openApi.RootElement)).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_new_endpoint_gets_its_events_in_the_pinned_version()
    {
        await using var edge = await StripeEdge.StartAsync();

        await GatewayCalls.MakeEveryCallAsync(edge, edge.Gateway);

        edge.Requests.Single(
            request => request is { Method: "POST", Path: "/v1/webhook_endpoints" })["api_version"].ShouldBe(
                BillingOptions.PinnedApiVersion);
    }

    [Fact]
    public async Task Requests_have_key_and_version_and_writes_have_an_idempotency_key()
    {
        await using var edge = await StripeEdge.StartAsync();

        await GatewayCalls.MakeEveryCallAsync(edge, edge.Gateway);

        foreach (var request in edge.Requests)
        {
            request.Headers.Authorization.ToString().ShouldBe($"Bearer {StripeEdge.Key}");
            request.Headers["Stripe-Version"].ToString().ShouldBe(BillingOptions.PinnedApiVersion);
            request.Headers["Idempotency-Key"].Count.ShouldBe(request.Method == "POST" ? 1 : 0);
            if (request.Method == "POST")
                request.Headers.ContentType.ToString().ShouldBe("application/x-www-form-urlencoded; charset=utf-8");
        }

        var posts = edge.Requests
            .Where(request => request.Method == "POST")
            .Select(request => request.Headers["Idempotency-Key"].ToString())
            .ToList();
        posts.Distinct().Count().ShouldBe(posts.Count);
    }

    [Fact]
    public void The_API_version_is_the_one_that_this_server_was_tested_with() =>
        BillingOptions.PinnedApiVersion.ShouldBe("2026-10-28.endive");

    [Fact]
    public async Task Values_arrive_as_they_were_given()
    {
        await using var edge = await StripeEdge.StartAsync();
        var since = new DateTimeOffset(2026, 11, 15, 12, 0, 0, TimeSpan.Zero);

        await edge.Gateway.CreateCustomerAsync(User, "ada+é@example.com", "k", TestContext.Current.CancellationToken);
        await edge.Gateway.CreateCheckoutAsync(
            new NewCheckout(User, "cus_1", "a b&c=d", "https://s.example/?s={CHECKOUT_SESSION_ID}&x=1", "https://c.example", Attempt: 1), "k", TestContext.Current.CancellationToken);
        await edge.Gateway.ListDisputesAsync("cus_1", since, TestContext.Current.CancellationToken);

        edge.Requests[0]["email"].ShouldBe("ada+é@example.com");
        edge.Requests[1]["line_items[0][price]"].ShouldBe("a b&c=d");
        edge.Requests[1]["line_items[0][quantity]"].ShouldBe("1");
        edge.Requests[1]["success_url"].ShouldBe("https://s.example/?s={CHECKOUT_SESSION_ID}&x=1");
        edge.Requests[2]["created[gte]"].ShouldBe("1794744000");
        edge.Requests[2]["limit"].ShouldBe("100");
    }

    [Fact]
    public async Task Requests_identify_this_server_and_contain_nothing_about_the_machine()
    {
        // Stripe.net would report it.
        Environment.SetEnvironmentVariable("CURSOR_AGENT", "1");
        await using var edge = await StripeEdge.StartAsync();

        await edge.Gateway.FindCustomerAsync("cus_1", TestContext.Current.CancellationToken);

        edge.Requests[0].Headers.UserAgent.ToString().ShouldMatch(@"^PyResolve/\S+ Stripe\.net/53\.\S+$");
        edge.Requests[0].Headers.Keys.Where(static name => name.StartsWith("X-", StringComparison.OrdinalIgnoreCase)).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_notice_header_is_removed_because_Stripe_net_would_print_it()
    {
        await using var edge = await StripeEdge.StartAsync();
        edge.Then(200, Customer, ("Stripe-Notice", "Buy something."), ("Request-Id", "req_1"));
        var connection = new StripeConnection(edge.Options, TimeSpan.FromSeconds(80));

        var answer = await connection.MakeRequestAsync(
            new Stripe.StripeRequest(connection.Client, HttpMethod.Get, "/v1/customers/cus_1", options: null, requestOptions: null),
            TestContext.Current.CancellationToken);

        (answer.RequestId, answer.Headers.Contains("Stripe-Notice")).ShouldBe(("req_1", false));
    }
}
